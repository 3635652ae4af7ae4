"""Which program builds an image, and what it is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.exporters.images.build import build_image, find_builder


def put(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder where programs are found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_without_a_builder_it_says_how_to_go_on(programs: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        find_builder()
    assert caught.value.code == "no_builder"
    assert "--no-build" in str(caught.value.hint)


def test_docker_without_its_engine_does_not_count(programs: Path) -> None:
    put(programs, "docker", "exit 1")
    put(programs, "buildah", "exit 0")
    assert find_builder() == "buildah"


def test_it_hands_on_options_and_the_name(programs: Path) -> None:
    put(programs, "podman", f'echo "$@" > {programs}/asked')
    assert build_image(programs, tag="shop:3", options=["--pull"]) == "podman"
    assert (programs / "asked").read_text() == f"build --format docker --pull --tag shop:3 {programs}\n"


def test_a_build_that_fails_is_an_error(programs: Path) -> None:
    put(programs, "podman", '[ "$1" = info ]')
    with pytest.raises(EnvironmentFault) as caught:
        build_image(programs, tag="shop:3")
    assert caught.value.code == "not_built"
