"""Python and packages, against what is asked for and what trained the live version."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from packaging.requirements import Requirement

from mlops_lab.doctor.check import Patient
from mlops_lab.doctor.checks import environment
from mlops_lab.doctor.checks.environment import look_at_kernel, look_at_packages, look_at_python
from mlops_lab.registry.engines.forest import has_kernel


@pytest.fixture
def with_environment(copied: Path) -> Callable[[Callable[[dict[str, Any]], object]], Patient]:
    """The copy whose version 1 was trained elsewhere."""

    def change(edit: Callable[[dict[str, Any]], object]) -> Patient:
        path = next((copied / ".mlops" / "mlflow" / "artifacts").rglob("environment.json"))
        recorded = msgspec.json.decode(path.read_bytes())
        edit(recorded)
        path.write_bytes(msgspec.json.encode(recorded))
        return Patient(root=copied)

    return change


def test_the_same_environment(copied: Path) -> None:
    patient = Patient(root=copied)
    here = platform.python_version()
    assert look_at_python(patient).seen == f"Python {here}; version 1 was trained with {here}"
    assert look_at_packages(patient).seen.endswith("and are those of version 1")


def test_another_python(with_environment: Callable[..., Patient]) -> None:
    found = look_at_python(with_environment(lambda recorded: recorded.update(python="3.9.1")))
    assert (found.state, found.hint) == ("warn", "use Python 3.9, or train again with this one: `mlops run`")


def test_another_patch_of_python(with_environment: Callable[..., Patient]) -> None:
    release = ".".join(platform.python_version().split(".")[:2])
    assert look_at_python(with_environment(lambda recorded: recorded.update(python=f"{release}.99"))).state == "ok"


def test_another_version_of_a_package(with_environment: Callable[..., Patient]) -> None:
    def older(recorded: dict[str, Any]) -> None:
        next(package for package in recorded["packages"] if package["name"] == "polars")["version"] = "0.1"

    found = look_at_packages(with_environment(older))
    assert found.state == "warn"
    assert "polars 0.1 →" in found.seen
    assert "`mlops env compare 1`" in str(found.hint)


def test_another_version_of_what_we_do_not_ask_for(with_environment: Callable[..., Patient]) -> None:
    def older(recorded: dict[str, Any]) -> None:
        next(package for package in recorded["packages"] if package["name"] == "pytest")["version"] = "0.1"

    assert look_at_packages(with_environment(older)).state == "ok"


@pytest.mark.parametrize(
    ("requirement", "seen"),
    [
        ("polars>=999", "is installed, and >=999 is asked for"),
        ("no-such-package-at-all>=1", "no-such-package-at-all is not installed"),
    ],
)
def test_a_package_that_does_not_fit(requirement: str, seen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_requirements", lambda: iter([Requirement(requirement), Requirement("msgspec")]))
    found = look_at_packages(Patient())
    assert (found.state, seen in found.seen) == ("fail", True)


def test_the_kernel() -> None:
    assert look_at_kernel(Patient()).state == ("ok" if has_kernel() else "warn")
