"""Requirements with hashes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from environments import ENVIRONMENT, SOURCE, put_uv

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.exporters.environments.lock import find_uv, lock_all, lock_some
from mlops_lab.training.environment import InstalledPackage


def test_every_package_is_locked_alone_and_not_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = put_uv(tmp_path / "programs", monkeypatch)
    lines = lock_all(SOURCE).splitlines()
    assert [line.split()[0] for line in lines] == ["numpy==2.4.0", "polars==2.0.0"]
    assert "--generate-hashes" in asked.read_text()
    assert "--python-version 3.11.7" in asked.read_text()
    assert "--no-deps" in asked.read_text()


def test_some_are_locked_with_what_they_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = put_uv(tmp_path / "programs", monkeypatch)
    lines = lock_some(SOURCE, ["polars"], alone=["numpy"]).splitlines()
    assert [line.split()[0] for line in lines] == ["polars==1.0", "numpy==2.4.0"]  # uv was told the versions apart
    together, alone = asked.read_text().splitlines()
    assert "--python-platform x86_64-unknown-linux-gnu" in together
    assert "--no-deps" not in together
    assert "--no-deps" in alone


def test_a_package_that_the_environment_lacks_is_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        lock_some(SOURCE, ["polars", "uvicorn"])
    assert caught.value.code == "missing_package"
    assert "uvicorn" in caught.value.what


def test_a_package_from_a_repository_has_no_hash() -> None:
    ours = InstalledPackage(name="ours", version="1.0", url="git+https://example.org/ours@abc")
    source = replace(SOURCE, environment=replace_packages(ours))
    with pytest.raises(InvalidInput) as caught:
        lock_all(source)
    assert caught.value.code == "no_hash"
    assert "ours @ git+https://example.org/ours@abc" in caught.value.what
    assert "numpy" not in caught.value.what


def replace_packages(*packages: InstalledPackage) -> object:
    import msgspec

    return msgspec.structs.replace(ENVIRONMENT, packages=(*ENVIRONMENT.packages, *packages))


def test_what_uv_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = put_uv(tmp_path / "programs", monkeypatch)
    asked.with_name("uv").write_text("#!/bin/sh\necho 'error: no polars' >&2\nexit 2\n")
    with pytest.raises(EnvironmentFault) as caught:
        lock_all(SOURCE)
    assert caught.value.code == "not_locked"
    assert "no polars" in caught.value.what


def test_uv_is_found_also_where_it_is_only_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Path(find_uv()).is_file()
