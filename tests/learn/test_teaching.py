"""docs/teaching.md is generated from the exercises, and complete."""

from pathlib import Path

from mlops_lab.cli.main import COMMANDS
from mlops_lab.learn.catalog import read_exercises
from mlops_lab.learn.course import EVIDENCE, LAB_WEEKS, WEEKS
from mlops_lab.learn.labs.catalog import read_labs
from mlops_lab.learn.teaching import render_course

PUBLISHED = Path(__file__).parents[2] / "docs" / "teaching.md"
NAMES = [exercise.name for exercise in read_exercises()]


def test_the_page_is_up_to_date_and_names_each_exercise_once_in_each_part() -> None:
    page = PUBLISHED.read_text(encoding="utf-8")
    assert page == render_course(), "make schema"
    weeks, _, evidence = page.partition("## What each exercise is evidence for")
    for name in NAMES:
        assert weeks.partition("## The weeks")[2].count(f"`{name}`") == 1
        assert evidence.count(f"| `{name}` |") == 1


def test_twelve_weeks_have_each_exercise_once_and_each_is_evidence_for_something_else() -> None:
    assert len(WEEKS) == 12
    assert sorted(name for week in WEEKS for name in week.exercises) == sorted(NAMES)
    assert [*EVIDENCE] == NAMES
    assert len({*EVIDENCE.values()}) == len(NAMES)


def test_what_is_done_in_class_are_commands_that_exist() -> None:
    words = [part.split() for week in WEEKS for part in week.in_class.split("`")[1::2]]
    assert words
    assert all(name == "mlops" and command in COMMANDS for name, command, *_ in words)


def test_each_lab_is_there_and_begins_after_a_week_that_exists() -> None:
    page = PUBLISHED.read_text(encoding="utf-8")
    assert [*LAB_WEEKS] == [lab.name for lab in read_labs()]
    assert all(1 <= week <= len(WEEKS) for week in LAB_WEEKS.values())
    assert all(f"| `{lab.name}` | {lab.text.evidence} |" in page for lab in read_labs())
