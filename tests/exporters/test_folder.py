"""A folder is filled whole, or stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.exporters.folder import fill_new_folder


def write(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep/file.txt").write_text("text")
    (folder / "other.txt").write_text("more")


def content(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_new_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    with fill_new_folder(tmp_path / "a/b") as draft:
        write(draft)
        assert not (tmp_path / "a/b").exists(), "nothing is seen before all is written"
    assert content(tmp_path / "a") == ["b", "b/deep", "b/deep/file.txt", "b/other.txt"]


def test_an_empty_folder_is_filled_and_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    inode = (tmp_path / "empty").stat().st_ino
    monkeypatch.chdir(tmp_path / "empty")
    with fill_new_folder(Path(".")) as draft:
        write(draft)
    assert (tmp_path / "empty").stat().st_ino == inode
    assert content(tmp_path) == ["empty", "empty/deep", "empty/deep/file.txt", "empty/other.txt"]


@pytest.mark.parametrize("is_new", [True, False])
def test_after_an_error_nothing_is_left(tmp_path: Path, is_new: bool) -> None:
    folder = tmp_path / "out"
    if not is_new:
        folder.mkdir()
    with pytest.raises(ZeroDivisionError), fill_new_folder(folder) as draft:
        write(draft)
        raise ZeroDivisionError
    assert content(tmp_path) == ([] if is_new else ["out"])


def test_what_is_not_an_empty_folder_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for taken in (tmp_path, tmp_path / "file"):
        with pytest.raises(InvalidInput) as caught, fill_new_folder(taken):
            pytest.fail("there is nothing to write into")
        assert (caught.value.code, caught.value.where) == ("folder_taken", str(taken))
    assert content(tmp_path) == ["file"]


def test_a_fault_of_the_disk_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught, fill_new_folder(tmp_path / "out"):
        raise OSError(28, "No space left on device")
    assert caught.value.code == "disk_full"
