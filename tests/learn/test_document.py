"""docs/learn.md is generated from the exercises."""

from pathlib import Path

from mlops_lab.learn.catalog import read_exercises
from mlops_lab.learn.document import render_index

PUBLISHED = Path(__file__).parents[2] / "docs" / "learn.md"


def test_the_index_is_up_to_date_and_names_each_topic_and_exercise() -> None:
    page = PUBLISHED.read_text(encoding="utf-8")
    assert page == render_index(), "make schema"
    for exercise in read_exercises():
        assert f"| {exercise.text.topic} | `{exercise.name}`" in page
