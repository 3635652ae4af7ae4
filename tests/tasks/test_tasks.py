"""What an answer costs, and what it is compared with, for each kind of task."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.tasks.base import LISTS, mean_gaps, to_series
from mlops_lab.tasks.binary import Binary
from mlops_lab.tasks.make import make_task
from mlops_lab.tasks.multiclass import Multiclass
from mlops_lab.tasks.regression import Regression, scale_of

CLASSES = ("a", "b", "c")
TASKS = [Binary(), Multiclass(CLASSES), Regression(2.0)]
LABELS = {"binary": [True, False, True], "multiclass": ["c", "a", "b"], "regression": [1.5, -2.0, 7.0]}


def perfect(task) -> tuple[pl.Series, pl.Series]:
    """Truth, and answers that are right and sure."""
    truth = task.encode(pl.Series(LABELS[task.kind]))
    if task.kind == "multiclass":
        return truth, pl.Series([[float(place == code) for place in range(3)] for code in truth], dtype=LISTS)
    return truth, truth


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_answers_that_are_right_cost_nothing_and_are_right_on_average(task):
    truth, output = perfect(task)
    assert task.losses(truth, output).to_list() == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)
    assert not task.invalid(output).any()
    assert list(mean_gaps(task.parts(truth, output)).values()) == pytest.approx([0.0] * len(task.parts(truth, output)))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_the_constant_answer_is_right_on_average_and_costs_something(task):
    truth, _ = perfect(task)
    output = task.constant(truth, 3)
    assert output.dtype == task.output_dtype
    assert max(map(abs, mean_gaps(task.parts(truth, output)).values())) < 1e-12
    assert task.losses(truth, output).mean() > 0


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_no_rows_are_no_trouble(task):
    truth, output = (column.head(0) for column in perfect(task))
    assert task.losses(truth, output).to_list() == task.invalid(output).to_list() == []
    assert len(task.constant(truth, 0)) == 0


def test_log_losses_by_example():
    losses = Binary().losses(pl.Series([1, 0, 1], dtype=pl.Int8), pl.Series([0.5, 0.25, 0.0]))
    assert losses.to_list() == pytest.approx([math.log(2), -math.log(0.75), -math.log(1e-15)])
    output = pl.Series([[0.2, 0.3, 0.5], [0.0, 0.0, 1.0]], dtype=LISTS)
    losses = Multiclass(CLASSES).losses(pl.Series([1.0, 0.0]), output)
    assert losses.to_list() == pytest.approx([-math.log(0.3), -math.log(1e-15)])


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=30))
def test_two_classes_cost_what_yes_and_no_cost(rows):
    truth = pl.Series([float(yes) for yes, _ in rows])
    output = pl.Series([p for _, p in rows])
    both = pl.Series([[1 - p, p] for _, p in rows], dtype=LISTS)
    one = Binary().losses(truth, output).to_list()
    two = Multiclass(("no", "yes")).losses(truth, both).to_list()
    assert two == pytest.approx(one, rel=1e-3, abs=1e-9)  # 1 - p is rounded


def test_the_mean_of_a_number_costs_one():
    rng = np.random.default_rng(1)
    truth = pl.Series(rng.normal(50, 9, 4000))
    task = make_task("regression", scale=scale_of("regression", truth))
    assert task.losses(truth, task.constant(truth, 4000)).mean() == pytest.approx(1.0, abs=1e-3)
    assert scale_of("regression", pl.Series([3.0, 3.0])) == 1.0
    assert scale_of("binary", pl.Series([0.0, 1.0])) == 1.0


@pytest.mark.parametrize(
    ("task", "output"),
    [
        (Binary(), pl.Series([-0.1, 1.1, math.nan, None], dtype=pl.Float64)),
        (Regression(), pl.Series([math.nan, math.inf, None], dtype=pl.Float64)),
        (
            Multiclass(CLASSES),
            pl.Series([[0.5, 0.5], [0.5, 0.4, 0.2], [1.5, -0.5, 0.0], [math.nan, 0.5, 0.5], None], dtype=LISTS),
        ),
    ],
    ids=lambda part: getattr(part, "kind", ""),
)
def test_what_is_no_answer_is_told(task, output):
    assert task.invalid(output).all()


def test_a_label_that_is_no_class_is_null():
    assert Multiclass(CLASSES).encode(pl.Series(["b", "z"])).to_list() == [1.0, None]


def test_gaps_in_words():
    assert Binary().explain_gap("", 0.1) == "0.100 more of the requests ended true than was predicted"
    assert 'fewer of the requests ended as "b"' in Multiclass(CLASSES).explain_gap("b", -0.2)
    assert "0.500 standard deviations below" in Regression().explain_gap("", -0.5)


def test_answers_of_any_shape_are_a_column():
    assert to_series(np.array([0.25, 0.5])).to_list() == [0.25, 0.5]
    assert to_series(np.array([[0.25, 0.75]])).to_list() == [[0.25, 0.75]]
    assert to_series(np.empty((0, 2))).dtype == LISTS
