"""Versions in a folder get numbers, and the signature that the project which uses them asks for."""

from pathlib import Path

import polars as pl
import pytest

from mlops_lab.clock import EPOCH
from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.signing.package_files import open_files
from mlops_lab.registry.signing.sign import ensure_key
from mlops_lab.registry.store.folder_registry import FolderRegistry
from mlops_lab.registry.store.records import VersionContent

CONTENT = VersionContent(
    engine="lightgbm", model=b"trees", plan=b"{}", agreement=b"{}", classes=[], profile=b"{}", lineage=b"{}",
    inputs=pl.DataFrame({"a": [1.0]}), requirements=[], parameters={}, tags={},
)  # fmt: skip


def register(registry: FolderRegistry, candidate: str = "one") -> Path:
    return registry.register(CONTENT, candidate=candidate, run_name="run", moment=EPOCH).package


def test_versions_are_numbered_and_found_by_their_candidate(tmp_path: Path) -> None:
    registry = FolderRegistry(tmp_path, 4)
    assert [register(registry, name).name for name in ("one", "two")] == ["5", "6"]
    assert getattr(registry.find("two"), "number", None) == 6
    assert registry.find("three") is None


@pytest.mark.parametrize("signs", [True, False])
def test_a_project_that_signs_can_use_what_was_registered_for_it(tmp_path: Path, signs: bool) -> None:
    home = tmp_path / ".mlops"
    key = ensure_key(home) if signs else None
    package = register(FolderRegistry(tmp_path / "packages", 0, home=home))
    assert open_files(package, home=home).key == key


def test_what_was_registered_for_nobody_is_refused_by_a_project_that_signs(tmp_path: Path) -> None:
    ensure_key(tmp_path / ".mlops")
    package = register(FolderRegistry(tmp_path / "packages", 0))
    with pytest.raises(EnvironmentFault, match="not signed"):
        open_files(package, home=tmp_path / ".mlops")
