"""docs/learn.md is generated from the exercises."""

from pathlib import Path

from mlops_lab.learn.catalog import PHASES, read_exercises
from mlops_lab.learn.document import render_index
from mlops_lab.learn.labs.catalog import read_labs
from mlops_lab.learn.topics import TOPICS

PUBLISHED = Path(__file__).parents[2] / "docs" / "learn.md"


def test_the_index_is_up_to_date_and_names_each_topic_and_exercise() -> None:
    page = PUBLISHED.read_text(encoding="utf-8")
    assert page == render_index(), "make schema"
    for exercise in read_exercises():
        assert f"| {exercise.text.topic} | `{exercise.name}`" in page
    for lab in read_labs():
        assert f"| `{lab.name}` | {lab.text.summary} |" in page
    for topics in TOPICS.values():
        for topic, names in topics.items():
            assert f"| {topic} | `{names[0]}`" in page


def test_each_topic_of_the_course_has_an_exercise_and_each_exercise_and_lab_a_topic() -> None:
    assert tuple(TOPICS) == PHASES
    assert all(names for topics in TOPICS.values() for names in topics.values())
    named = [name for topics in TOPICS.values() for names in topics.values() for name in names]
    assert {*named} == {item.name for item in (*read_exercises(), *read_labs())}
