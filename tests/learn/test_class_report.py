"""The report about a class."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_lab.errors import NotFound
from mlops_lab.learn.catalog import PHASES
from mlops_lab.learn.class_report import StudentProgress, read_class
from mlops_lab.learn.progress import PROGRESS_FILE, Progress, write_progress


def hand_in(folder: Path, **progress: object) -> None:
    folder.mkdir(parents=True)
    write_progress(folder, Progress(current="bisect", **progress))  # type: ignore[arg-type]


def test_each_student_has_a_row(tmp_path: Path) -> None:
    solved = {
        "bisect": "2026-02-03T10:00:00+00:00",
        "peeking": "2026-02-09T10:00:00+00:00",
        "unseeded": "2026-02-01T10:00:00+00:00",
        "of-an-older-release": "2026-01-01T10:00:00+00:00",
    }
    hand_in(tmp_path / "ada" / "mlops-learn", solved=solved, hints={"bisect": 2, "peeking": 1})
    hand_in(tmp_path / "bob")
    (tmp_path / "eve").mkdir()
    (tmp_path / "eve" / PROGRESS_FILE).write_text("{")
    found = read_class(tmp_path)
    none = dict.fromkeys(PHASES, 0)
    assert found.students == [
        StudentProgress(
            student="ada",
            solved=none | {"foundations": 2, "concepts": 1},
            hints=3,
            last_activity="2026-02-09T10:00:00+00:00",
        ),
        StudentProgress(student="bob", solved=none, hints=0, last_activity=None),
    ]
    (problem,) = found.unreadable
    assert "eve" in problem
    assert "is no progress file" in problem
    assert [row.student for row in read_class(tmp_path / "bob").students] == ["bob"]


def test_a_folder_without_students_is_one_error(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NotFound, match=r"there is no mlops-learn\.json"):
            read_class(folder)
