"""The rows on which engines are compared with the model, and how differences are counted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlops_lab.registry.columns import Answers
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.registry.package import Plan
from mlops_lab.training import comparison
from mlops_lab.training.agreement import BESIDE, CORNERS, DATA, ONE_BY_ONE, THRESHOLDS
from mlops_lab.training.comparison import (
    compare,
    compare_frames,
    make_comparison_data,
    neighbour_rows,
    null_and_unseen_rows,
)

INPUTS = pl.DataFrame({"price": np.arange(100.0) + 0.1, "rooms": np.arange(100), "place": ["a", "b"] * 50})
PLAN = Plan(task="regression", request={}, time="at", tables={}, features={}, categories={})


def model(rows: pl.DataFrame) -> Answers:
    """A number that depends on every input; nulls count as 0."""
    texts = (rows["place"] == "a").fill_null(value=False).cast(pl.Float64)
    return (rows["price"].fill_null(0) + rows["rooms"].fill_null(0) + texts).to_numpy()


class ModelEngine:
    """An engine that computes the model, off by something."""

    exact = True

    def __init__(self, off: float = 0.0) -> None:
        self.off = off
        self.asked = 0

    def score_rows(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        self.asked += len(rows)
        return (model(pl.DataFrame(rows, schema=INPUTS.schema, orient="row")) + self.off).tolist()

    def score(self, inputs: pl.DataFrame, *, threads: int = 0) -> Answers:
        return model(inputs) + self.off


def make_data(answering=model, *, training_answers: Answers | None = None):
    thresholds = INPUTS.head(3).with_columns(price=pl.lit(50.0))
    return make_comparison_data(
        INPUTS, answering, threshold_rows=thresholds, training_answers=training_answers, scale=1.0
    )


def test_nulls_and_unseen_texts_come_alone_and_together():
    rows = pl.concat(null_and_unseen_rows(INPUTS))
    nulls = [sum(value is None for value in row) for row in rows.rows()]
    assert sorted(set(nulls)) == [0, 1, 3]
    assert nulls.count(1) == 3, "one for each input"
    assert not rows["place"].drop_nulls().is_in(["a", "b"]).all()


def test_neighbours_are_one_step_of_float32_away_and_only_floats_move():
    lower, higher = neighbour_rows(INPUTS)
    price = INPUTS["price"].to_numpy().astype(np.float32)
    assert (lower["price"].to_numpy() == np.nextafter(price, np.float32(-np.inf))).all()
    assert (higher["price"].to_numpy() == np.nextafter(price, np.float32(np.inf))).all()
    assert lower.drop("price").equals(INPUTS.drop("price"))
    assert neighbour_rows(INPUTS.with_columns(price=None).cast({"price": pl.Float64}))[0]["price"].null_count() == 100


def test_an_engine_that_computes_the_model_agrees_on_rows_of_all_kinds():
    engine = ModelEngine()
    parts, micros = compare(engine, OutputMapping(PLAN), make_data())
    assert parts.keys() == {CORNERS, THRESHOLDS, BESIDE, DATA, ONE_BY_ONE}
    assert all(part.differing == 0 and part.largest == 0.0 for part in parts.values())
    assert parts[DATA].rows == 100
    assert engine.asked == parts[ONE_BY_ONE].rows > 100
    assert micros > 0


def test_an_engine_that_computes_something_else_differs_everywhere():
    parts, _ = compare(ModelEngine(off=0.5), OutputMapping(PLAN), make_data())
    assert all(part.differing == part.rows > 0 for part in parts.values())


def test_rows_that_the_model_cannot_answer_are_left_out():
    def takes_no_nulls(rows: pl.DataFrame) -> Answers:
        if rows["price"].null_count():
            raise ValueError("Input X contains NaN.")
        return model(rows)

    def answers_nulls_with_nan(rows: pl.DataFrame) -> Answers:
        return np.where(rows["price"].is_null().to_numpy(), np.nan, model(rows))

    expected = sum(row[0] is not None for row in pl.concat(null_and_unseen_rows(INPUTS)).rows())
    for answering in (takes_no_nulls, answers_nulls_with_nan):
        case = make_data(answering).edge_cases[CORNERS]
        assert case.rows["price"].null_count() == 0
        assert case.rows.height == len(case.expected) == expected


def test_a_model_that_answers_none_of_a_kind_has_no_such_rows():
    def fail(rows: pl.DataFrame) -> Answers:
        raise ValueError("no")

    assert make_data(fail).edge_cases == {}


def test_answers_that_the_training_has_told_are_not_computed_again():
    calls: list[int] = []

    def counted(rows: pl.DataFrame) -> Answers:
        calls.append(rows.height)
        return model(rows)

    data = make_data(counted, training_answers=model(INPUTS))
    calls.clear()
    parts = compare_frames(model, data, tolerance=0.0)
    assert (parts[DATA].rows, parts[DATA].differing) == (100, 0)
    assert calls == []
    wrong = make_data(counted, training_answers=model(INPUTS) + 1)
    calls.clear()
    assert compare_frames(model, wrong, tolerance=0.0)[DATA].differing == 0, "the model is asked where they differ"
    assert sum(calls) == 100


def test_batches_cover_all_training_rows_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(comparison, "BATCH_ROWS", 30)
    data = make_data(training_answers=model(INPUTS))
    batches = list(data.batches())
    assert sorted(rows.height for rows, _ in batches) == [10, 30, 30, 30]
    assert pl.concat(rows for rows, _ in batches).sort("rooms").equals(INPUTS)
    assert all(np.array_equal(known, model(rows)) for rows, known in batches)


def test_after_a_difference_one_batch_is_enough(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(comparison, "BATCH_ROWS", 30)
    parts = compare_frames(lambda rows: model(rows) + 1, make_data(), tolerance=0.0)
    assert parts[DATA].rows <= 30
