"""Zip files: unpacked by another program, they are learners' folders that can be checked."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from browsing import find_program

from mlops_lab.errors import InvalidInput
from mlops_lab.learn.catalog import find_exercise
from mlops_lab.learn.folder import find_folder, work_folder
from mlops_lab.learn.handout.archive import write_zip, write_zips
from mlops_lab.learn.lessons import check
from mlops_lab.learn.progress import read_progress

EXERCISE, OTHER = find_exercise("late-labels"), find_exercise("pipe-exit-code")


def unpack(path: Path, folder: Path) -> Path:
    subprocess.run([find_program("unzip", package="unzip"), "-q", str(path), "-d", str(folder)], check=True)
    return find_folder(folder)


def test_what_is_unpacked_can_be_checked(tmp_path: Path) -> None:
    write_zip(tmp_path / "new" / "week.zip", [OTHER, EXERCISE], seed=7, requirement="mlops-lab")
    folder = unpack(tmp_path / "new" / "week.zip", tmp_path / "student")
    assert folder == tmp_path / "student" / "mlops-learn"
    assert (read_progress(folder).seed, read_progress(folder).current) == (7, OTHER.name)
    assert {path.name for path in folder.glob("*/*")} == {EXERCISE.name, OTHER.name}
    assert EXERCISE.text.title in (folder / "README.md").read_text()
    assert check(folder, OTHER).result.key == OTHER.text.fails_with
    shutil.copytree(OTHER.folder / "solution", work_folder(folder, OTHER), dirs_exist_ok=True)
    assert check(folder, OTHER).passed


def test_students_get_other_data(tmp_path: Path) -> None:
    write_zips(tmp_path / "zips", [EXERCISE], ["ada", "grace"], seed=7, requirement="mlops-lab")
    seen = {}
    for student in ("ada", "grace"):
        folder = unpack(tmp_path / "zips" / f"{student}.zip", tmp_path / student)
        shutil.copytree(EXERCISE.folder / "wrong/any-time", work_folder(folder, EXERCISE), dirs_exist_ok=True)
        seen[student] = check(folder, EXERCISE).result.seen
        assert seen[student] == check(folder, EXERCISE).result.seen
        same = read_progress(folder).seed
        assert seen[student] == check(folder, EXERCISE, seed=same).result.seen
    assert seen["ada"] != seen["grace"]


def test_no_file_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "week.zip").write_text("mine")
    with pytest.raises(InvalidInput, match="is there already"):
        write_zip(tmp_path / "week.zip", [EXERCISE], seed=7, requirement="mlops-lab")
    with pytest.raises(InvalidInput, match="is not an empty folder"):
        write_zips(tmp_path, [EXERCISE], ["ada"], seed=7, requirement="mlops-lab")
    assert (tmp_path / "week.zip").read_text() == "mine"
