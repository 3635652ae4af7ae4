from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.starter.imported_data import DataOrigin, DataState, hash_content, place_data


def bring(root: Path, *, parts: dict[str, str] | str, commit: str = "a" * 40) -> DataState:
    """Import a file, or a folder of files."""
    copy = Path(tempfile.mkdtemp(dir=root.parent)) / "orders.csv"
    if isinstance(parts, str):
        copy.write_text(parts)
    else:
        for name, text in parts.items():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text(text)
    origin = DataOrigin(
        repository="/churn", path="data/orders.csv", commit=commit, dvc_hash="0" * 32, sha256=hash_content(copy)
    )
    return place_data(root, copy, origin)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


@pytest.mark.parametrize(
    ("first", "second"),
    [("1", "2"), ({"a.csv": "1", "b.csv": "2"}, {"a.csv": "1"}), ("1", {"a": "1"}), ({"a": "1"}, "1")],
)
def test_data_is_replaced_by_that_of_another_revision(root: Path, first: str, second: str) -> None:
    assert bring(root, parts=first) is DataState.NEW
    assert bring(root, parts=first) is DataState.SAME
    before = hash_content(root / "data" / "orders.csv")
    assert bring(root, parts=second, commit="b" * 40) is DataState.CHANGED
    assert hash_content(root / "data" / "orders.csv") != before
    assert sorted(path.name for path in (root / "data").iterdir()) == ["orders.csv", "orders.csv.origin.json"]
    record = json.loads((root / "data" / "orders.csv.origin.json").read_text())
    assert (record["format"], record["commit"]) == (1, "b" * 40)
    assert record["sha256"] == hash_content(root / "data" / "orders.csv")


@pytest.mark.parametrize("is_imported", [True, False])
def test_what_is_not_as_it_was_imported_is_kept(root: Path, is_imported: bool) -> None:
    if is_imported:
        bring(root, parts="1")
    (root / "data").mkdir(exist_ok=True)
    (root / "data" / "orders.csv").write_text("mine")
    with pytest.raises(InvalidInput, match="is not what was imported before"):
        bring(root, parts="2")
    assert (root / "data" / "orders.csv").read_text() == "mine"


def test_a_record_that_cannot_be_read_says_nothing(root: Path) -> None:
    bring(root, parts="1")
    (root / "data" / "orders.csv.origin.json").write_text("{")
    assert bring(root, parts="1") is DataState.SAME
    (root / "data" / "orders.csv.origin.json").write_text("{")
    with pytest.raises(InvalidInput):
        bring(root, parts="2")


def test_the_hash_of_a_folder_sees_names_and_bytes(tmp_path: Path) -> None:
    hashes = set()
    for number, (name, text) in enumerate([("a", "1"), ("b", "1"), ("a", "2"), ("c/a", "1")]):
        file = tmp_path / str(number) / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
        hashes.add(hash_content(tmp_path / str(number)))
    assert len(hashes) == 4
