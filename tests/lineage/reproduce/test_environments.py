"""The environment in which a version is trained again."""

from pathlib import Path

import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lineage.reproduce.environments import is_same_release, make_environment, write_requirements
from mlops_lab.training.environment import Environment, InstalledPackage

PACKAGES = (
    InstalledPackage(name="mlops-lab", version="0.1.0", url="file:///somewhere"),
    InstalledPackage(name="polars", version="2.0.0"),
    InstalledPackage(name="ours", version="1.0", url="git+https://example.org/ours@abc"),
)


def test_every_package_is_required_at_its_version_but_this_one() -> None:
    text = write_requirements(Environment(packages=PACKAGES))
    assert text == "polars==2.0.0\nours @ git+https://example.org/ours@abc\n"


@pytest.mark.parametrize(
    ("wanted", "present", "fits"),
    [("3.11.2", "3.11.7", True), ("3.1.2", "3.11.7", False), ("3.12.0", "3.11.7", False), ("", "3.11.7", True)],
)
def test_packages_fit_a_release_of_python(wanted: str, present: str, fits: bool) -> None:
    assert is_same_release(wanted, present) is fits


def test_without_uv_another_python_is_an_error_with_ways_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault) as caught:
        make_environment(tmp_path, Environment(python="3.9.1"))
    assert caught.value.code == "other_python"
    assert "install uv" in str(caught.value.hint)


def test_uv_is_asked_for_the_recorded_python_and_what_it_says_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program of that name, which notes what it is asked and fails at the second request."""
    programs, asked = tmp_path / "programs", tmp_path / "asked"
    programs.mkdir()
    uv = programs / "uv"
    uv.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n[ "$1" = venv ] || {{ echo "error: no polars" >&2; exit 2; }}\n')
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    with pytest.raises(EnvironmentFault) as caught:
        make_environment(tmp_path, Environment(python="3.9.1", packages=PACKAGES))
    assert caught.value.code == "no_environment"
    assert "error: no polars" in caught.value.what
    first, second = asked.read_text().splitlines()
    assert first == f"venv --python 3.9.1 {tmp_path / 'venv'}"
    assert second.endswith(f"--no-deps -r {tmp_path / 'requirements.txt'}")
