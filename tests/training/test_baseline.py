"""The linear model that every candidate is compared with."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from mlops_lab.registry.frames import to_pandas
from mlops_lab.tasks.binary import Binary
from mlops_lab.tasks.multiclass import Multiclass
from mlops_lab.tasks.regression import Regression
from mlops_lab.training import baseline
from mlops_lab.training.baseline import ROWS, _draw, _number_texts, fit_baseline


def mixed(rows: int, seed: int) -> pl.DataFrame:
    """Numbers, gaps, texts and booleans; a column without any value, and one that never changes."""
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "number": rng.normal(size=rows),
            "gaps": [None if draw < 0.3 else draw for draw in rng.random(rows)],
            "text": rng.choice(["a", "b", "c"], rows),
            "flag": rng.random(rows) < 0.5,
            "nothing": pl.Series([None] * rows, dtype=pl.Float64),
            "constant": [7] * rows,
        }
    )


@pytest.fixture
def data(tiny):
    """Makes a training set of made-up rows, of which `number` and `text` tell what is to be predicted."""

    def make(task, truth, rows: int = 600):
        learned, held = mixed(rows, 1), mixed(200, 2)
        return replace(
            tiny.training,
            task=task,
            inputs=learned,
            truth=truth(learned).cast(pl.Float64),
            weights=None,
            holdout_inputs=held,
            holdout_truth=truth(held).cast(pl.Float64),
        )

    return make


def score(frame: pl.DataFrame) -> pl.Series:
    return frame["number"] + (frame["text"] == "b").cast(pl.Float64) * 2


CASES = {
    "binary": (Binary(), lambda frame: score(frame) > 0.5),
    "multiclass": (
        Multiclass(("low", "middle", "high")),
        lambda frame: (score(frame) > 0).cast(pl.Int8) + (score(frame) > 1.5),
    ),
    "regression": (Regression(1.5), score),
}


@pytest.mark.parametrize("name", CASES)
def test_it_learns_what_is_linear(data, name):
    task, truth = CASES[name]
    rows = data(task, truth)
    baseline = fit_baseline(rows)
    assert baseline.output.dtype == task.output_dtype
    assert not task.invalid(baseline.output).any()
    constant = task.losses(rows.holdout_truth, task.constant(rows.truth, 200)).mean()
    assert task.losses(rows.holdout_truth, baseline.output).mean() < constant / 3
    assert baseline.name == ("a ridge regression" if name == "regression" else "a logistic regression")
    assert fit_baseline(rows).output.equals(baseline.output), "the same to the last bit"


def test_a_class_that_was_never_learned_has_probability_0(data):
    rows = data(Multiclass(("low", "middle", "high", "top")), CASES["multiclass"][1])
    assert fit_baseline(rows).output.list.get(3).unique().to_list() == [0.0]


def test_values_that_are_not_finite_or_never_seen_are_answered(data):
    rows = data(*CASES["binary"])
    odd = rows.inputs.with_columns(
        pl.when(pl.int_range(pl.len()) % 50 == 0).then(float("inf")).otherwise("number").alias("number"),
        pl.when(pl.int_range(pl.len()) % 50 == 1).then(1e300).otherwise("gaps").alias("gaps"),
        pl.when(pl.int_range(pl.len()) % 50 == 2).then(None).otherwise("text").alias("text"),
    )
    held = rows.holdout_inputs.with_columns(text=pl.lit("never seen"), number=pl.lit(float("nan")))
    output = fit_baseline(replace(rows, inputs=odd, holdout_inputs=held)).output
    assert not Binary().invalid(output).any()


def test_weights_change_the_answers(data):
    rows = data(*CASES["binary"])
    heavy = rows.truth * 99 + 1
    plain, weighed = fit_baseline(rows).output, fit_baseline(replace(rows, weights=heavy)).output
    assert weighed.mean() > plain.mean()


def test_one_class_gives_the_base_rate(data):
    rows = data(Binary(), lambda frame: frame["number"] > 100)
    baseline = fit_baseline(rows)
    assert baseline.name == "the base rate"
    assert baseline.output.unique().to_list() == [0.0]


@pytest.mark.parametrize(("height", "width", "most"), [(300_000, 30, ROWS), (300_000, 1000, 5000), (80, 9_000, 80)])
def test_it_is_trained_on_no_more_rows_than_a_second_allows(height, width, most):
    drawn = _draw(height, width)
    assert len(drawn) == most
    assert drawn.is_sorted()
    assert drawn.n_unique() == most
    assert drawn[-1] < height


def test_texts_as_numbers_change_no_answer(data, monkeypatch):
    """Rare texts, missing ones, and some that only the held-out rows have."""
    rng = np.random.default_rng(3)
    names = [None, "", *"abcdefghijklmnopqrstuvwxyz", "é", "Z", "zz"]
    training = data(*CASES["binary"])
    draws = [rng.zipf(1.3, 600) % len(names), rng.integers(0, len(names), 200)]
    learned, held = ([names[draw] for draw in drawn] for drawn in draws)
    held[:5] = ["unseen"] * 5
    training = replace(
        training,
        inputs=training.inputs.with_columns(name=pl.Series(learned)),
        holdout_inputs=training.holdout_inputs.with_columns(name=pl.Series(held)),
    )
    as_numbers = fit_baseline(training).output
    monkeypatch.setattr(baseline, "_number_texts", lambda *frames: frames)
    assert as_numbers.equals(fit_baseline(training).output)
    coded, others = _number_texts(training.inputs, training.holdout_inputs)
    assert set(others["name"]) - set(coded["name"]) == {-1}
    assert to_pandas(coded)["name"].dtype == "float32"
