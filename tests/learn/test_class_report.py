"""The report about a class."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_lab.errors import NotFound
from mlops_lab.learn.catalog import PHASES
from mlops_lab.learn.class_report import LabProgress, StudentProgress, read_class
from mlops_lab.learn.labs.state import STATE_FILE, LabState, write_state
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


def hand_in_lab(folder: Path, lab: str, **state: object) -> None:
    folder.mkdir(parents=True)
    write_state(folder, LabState(lab=lab, seed=1, started="2026-02-01T10:00:00+00:00", **state))  # type: ignore[arg-type]


def test_labs_are_reported_with_their_checks(tmp_path: Path) -> None:
    passed = {"fields": "2026-03-01T10:00:00+00:00", "days": "2026-03-02T10:00:00+00:00", "of-an-older-release": "2026"}
    hand_in_lab(
        tmp_path / "ada" / "planted-skew", "planted-skew", data="flights", passed=passed, hints={"days": 2, "harm": 1}
    )
    (row,) = read_class(tmp_path).labs
    assert row == LabProgress(
        student="ada",
        lab="planted-skew",
        data="flights",
        passed=["fields", "days"],
        open=["harm", "repaired", "tested", "guarded", "answers"],
        hints=3,
        started="2026-02-01T10:00:00+00:00",
        last_activity="2026-03-02T10:00:00+00:00",
    )
    assert read_class(tmp_path).students == []


def test_a_lab_belongs_to_the_student_in_whose_folder_it_is(tmp_path: Path) -> None:
    hand_in(tmp_path / "group-1" / "ada" / "mlops-learn")
    hand_in(tmp_path / "bob")
    for place in ("group-1/ada/labs/second/on-call", "bob/mine", "group-2/eve/on-call", "group-2/mallory/mine"):
        hand_in_lab(tmp_path / place, "on-call")
    found = read_class(tmp_path)
    assert [row.student for row in found.students] == ["bob", "group-1/ada"]
    assert [row.student for row in found.labs] == ["bob", "group-1/ada", "group-2/eve", "group-2/mallory/mine"]
    assert [row.last_activity for row in found.labs] == [None] * 4
    assert [row.student for row in read_class(tmp_path / "group-2" / "eve" / "on-call").labs] == ["on-call"]


def test_labs_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    hand_in_lab(tmp_path / "ada", "of-a-newer-release")
    (tmp_path / "eve").mkdir()
    (tmp_path / "eve" / STATE_FILE).write_text("[]")
    found = read_class(tmp_path)
    assert found.labs == []
    unknown, broken = found.unreadable
    assert f"ada/{STATE_FILE}: there is no lab" in unknown
    assert f"eve/{STATE_FILE}: is no state of a lab" in broken


def test_a_folder_without_students_is_one_error(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NotFound, match=r"there is no mlops-learn\.json"):
            read_class(folder)
