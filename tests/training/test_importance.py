"""How much a model needs each of its inputs."""

import polars as pl
import pytest

from mlops_lab.tasks.binary import Binary
from mlops_lab.training.importance import measure_importances

ROWS = 4000
INPUTS = pl.DataFrame({"told": [0.9, 0.1] * (ROWS // 2), "noise": [float(row % 7) for row in range(ROWS)]})
TRUTH = pl.Series([1.0, 0.0] * (ROWS // 2))


def test_an_input_that_decides_the_answer_costs_what_shuffling_it_costs():
    """Half of the shuffled rows get the answer of the other kind: -ln 0.1 instead of -ln 0.9."""
    found = measure_importances(lambda rows: rows["told"], INPUTS[:1999], TRUTH[:1999], task=Binary())
    assert found["told"] == pytest.approx(0.5 * 2.197, abs=0.1)
    assert found["noise"] == 0.0


def test_many_rows_are_sampled_and_the_same_rows_give_the_same():
    asked: list[int] = []

    def score(rows: pl.DataFrame) -> pl.Series:
        asked.append(rows.height)
        return rows["noise"] / 10 + 0.1

    first = measure_importances(score, INPUTS, TRUTH, task=Binary())
    assert first == measure_importances(score, INPUTS, TRUTH, task=Binary())
    assert set(asked) == {2000}


def test_without_rows_nothing_is_measured():
    assert measure_importances(lambda rows: rows["told"], INPUTS.clear(), TRUTH.clear(), task=Binary()) == {}
