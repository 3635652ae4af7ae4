"""Which exercises a class gets, and whose data is whose."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.learn.catalog import NAMES, read_exercises
from mlops_lab.learn.handout.selection import SEEDS, read_students, seed_of, select


def test_exercises_are_selected_by_name_and_by_phase_in_the_order_of_learning() -> None:
    assert select([]) == [*read_exercises()]
    assert [item.name for item in select(["systems", "bisect", "unseeded"])] == [
        "unseeded",
        "bisect",
        *NAMES["systems"],
    ]
    with pytest.raises(NotFound):
        select(["bisct"])


def test_each_student_and_each_course_has_a_seed_that_stays() -> None:
    seeds = [seed_of(f"student-{number}", course) for course in (1, 2) for number in range(500)]
    assert seeds == [seed_of(f"student-{number}", course) for course in (1, 2) for number in range(500)]
    assert len({*seeds}) == len(seeds)
    assert all(0 <= seed < SEEDS for seed in seeds)


def test_names_are_read_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "students.txt").write_text("ada\n\n  grace hopper \r\nŁukasz\n", encoding="utf-8")
    assert read_students(tmp_path / "students.txt") == ["ada", "grace hopper", "Łukasz"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "has no names"),
        (b"ada\nbob\nada\n", '"ada" is there twice'),
        (b"../ada\n", "cannot be the name of a file"),
        (b".ada\n", "cannot be the name of a file"),
        (b"\xff\xfe\n", "is no text"),
    ],
)
def test_names_that_cannot_be_used_are_one_error(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "students.txt").write_bytes(content)
    with pytest.raises(InvalidInput, match=told):
        read_students(tmp_path / "students.txt")
