"""One of several classes: the loss of the class that came true, and the classes as parts."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.tasks.base import LISTS
from mlops_lab.tasks.binary import Binary
from mlops_lab.tasks.multiclass import Multiclass, order_by_version, order_classes

CLASSES = ("a", "b", "c")
TASK = Multiclass(CLASSES)
TRUTH = TASK.encode(pl.Series(["c", "a", "b"]))


def test_log_losses_by_example():
    output = pl.Series([[0.2, 0.3, 0.5], [0.0, 0.0, 1.0]], dtype=LISTS)
    losses = TASK.losses(pl.Series([1.0, 0.0]), output)
    assert losses.to_list() == pytest.approx([-math.log(0.3), -math.log(1e-15)])


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=30))
def test_two_classes_cost_what_yes_and_no_cost(rows):
    truth = pl.Series([float(yes) for yes, _ in rows])
    output = pl.Series([p for _, p in rows])
    both = pl.Series([[1 - p, p] for _, p in rows], dtype=LISTS)
    one = Binary().losses(truth, output).to_list()
    two = Multiclass(("no", "yes")).losses(truth, both).to_list()
    assert two == pytest.approx(one, rel=1e-3, abs=1e-9)  # 1 - p is rounded


def test_truth_is_the_index_of_the_class():
    assert TRUTH.to_list() == [2.0, 0.0, 1.0]


def test_a_label_that_is_no_class_is_null():
    assert TASK.encode(pl.Series(["b", "z"])).to_list() == [1.0, None]


def test_the_constant_answer_is_the_rates_of_the_classes_and_costs_something():
    output = TASK.constant(TRUTH, 3)
    assert output.to_list() == [pytest.approx([1 / 3] * 3)] * 3
    assert TASK.losses(TRUTH, output).mean() > 0


def test_what_is_not_one_probability_for_each_class_is_invalid():
    output = [[0.5, 0.5], [0.5, 0.4, 0.2], [1.5, -0.5, 0.0], [math.nan, 0.5, 0.5], None]
    assert TASK.invalid(pl.Series(output, dtype=LISTS)).all()
    assert not TASK.invalid(pl.Series([[0.5, 0.5, 0.0], [0.2, 0.3, 0.50001]], dtype=LISTS)).any()


def test_the_parts_are_the_classes():
    parts = TASK.parts(TRUTH, pl.Series([[0.1, 0.2, 0.7]] * 3, dtype=LISTS))
    assert [part.name for part in parts] == list(CLASSES)
    assert parts[2].truth.to_list() == [1.0, 0.0, 0.0]
    assert parts[2].output.to_list() == [0.7] * 3


def test_a_gap_in_words():
    assert 'fewer of the requests ended as "b"' in TASK.explain_gap("b", -0.2)


def test_answers_are_ordered_by_the_names_of_their_classes():
    outputs = pl.Series("output", [[0.1, 0.2, 0.7], None, [1.0, 0.0, 0.0]], dtype=pl.List(pl.Float64))
    ordered = order_classes(outputs, classes=["low", "mid", "high"], wanted=["new", "high", "low"])
    assert ordered.to_list() == [[0.0, 0.7, 0.1], None, [0.0, 0.0, 1.0]]
    assert order_classes(outputs, classes=["low", "mid"], wanted=["low", "mid"]) is outputs


def test_each_answer_is_ordered_as_the_version_that_gave_it():
    rows = pl.DataFrame({"version": [1, 2, 3], "output": [[0.1, 0.9], [0.2, 0.3, 0.5], [0.6, 0.4]]})
    known = {1: ["low", "high"], 2: ["high", "low", "mid"], 3: ["high", "low"]}
    ordered = order_by_version(rows, "output", version="version", known=known, wanted=["high", "low"])
    assert ordered["output"].to_list() == [[0.9, 0.1], [0.2, 0.3], [0.6, 0.4]]
