from datetime import UTC, datetime

import polars as pl
import pytest

from mlops_lab.drills.harm import HARM, find_harmed
from mlops_lab.tasks.make import make_task

AT = datetime(2024, 1, 1, tzinfo=UTC)


def answers(outputs: dict[str, object], dtype: pl.DataType | None = None) -> pl.DataFrame:
    return pl.DataFrame({"id": [*outputs], "output": pl.Series([*outputs.values()], dtype=dtype)}).with_columns(
        at=pl.lit(AT)
    )


def test_missing_answers_and_those_far_away_are_harmed() -> None:
    healthy = answers({"a": 0.5, "b": 0.5, "c": 0.5, "d": 0.5})
    played = answers({"d": 0.5 - HARM - 0.01, "a": 0.5, "b": 0.5 + HARM / 2, "x": 0.1})
    assert find_harmed(healthy, played, make_task("binary"))["id"].to_list() == ["c", "d"]


def test_numbers_are_compared_in_their_standard_deviation() -> None:
    healthy, played = answers({"a": 100.0, "b": 100.0}), answers({"a": 104.0, "b": 106.0})
    assert find_harmed(healthy, played, make_task("regression", scale=100.0))["id"].to_list() == ["b"]


@pytest.mark.parametrize(("second", "harmed"), [(0.32, []), (0.4, ["a"])])
def test_of_classes_the_furthest_probability_counts(second: float, harmed: list[str]) -> None:
    healthy = answers({"a": [0.3, 0.3, 0.4]}, pl.List(pl.Float64()))
    played = answers({"a": [0.3, second, 0.7 - second]}, pl.List(pl.Float64()))
    assert find_harmed(healthy, played, make_task("multiclass", classes=("x", "y", "z")))["id"].to_list() == harmed
