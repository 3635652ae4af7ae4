from datetime import UTC, datetime

import polars as pl
import pytest

from mlops_lab.drills.harm import HARM, find_harmed, healthy_answers
from mlops_lab.drills.play import Played
from mlops_lab.rollout.decisions import Decision, DecisionKind
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


def played(tiny, rows: pl.DataFrame, *, fingerprint: str) -> Played:
    evidence = {"package": str(tiny.package), "fingerprint": fingerprint}
    decisions = [Decision(AT, DecisionKind.SHADOW, number, "gates", "", "loop", evidence) for number in (1, 2)]
    return Played(tiny.project, rows, [], [], decisions)


@pytest.mark.parametrize("is_known", [True, False])
def test_a_version_that_the_twin_has_too_is_compared_with_itself(tiny, is_known: bool) -> None:
    inputs = tiny.training.inputs.head(3)
    rows = inputs.with_columns(id=pl.Series(["a", "b", "c"]), at=pl.lit(AT), version=1, output=pl.lit(0.123))
    twin = played(tiny, rows, fingerprint=tiny.fingerprint)
    other = rows.with_columns(version=pl.Series([1, 2, 2]))
    seen = played(tiny, other, fingerprint=tiny.fingerprint if is_known else "another")
    found = healthy_answers(twin, seen).sort("id")["output"].to_list()
    assert found == ([0.123, *tiny.predictor.score(inputs).to_list()[1:]] if is_known else [0.123] * 3)
