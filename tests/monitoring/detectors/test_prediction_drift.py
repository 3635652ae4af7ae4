"""How answers were spread."""

from datetime import UTC, datetime

import polars as pl
import pytest

from mlops_lab.monitoring.detectors.base import Seen
from mlops_lab.monitoring.detectors.prediction_drift import describe_answers
from mlops_lab.monitoring.window import Window
from mlops_lab.tasks.binary import Binary

DAY = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))


def describe(output: pl.Series) -> dict[str, float | None]:
    return dict(describe_answers(Seen(DAY, Binary(), pl.DataFrame({"output": output}), pl.DataFrame())))


def test_mean_and_percentiles():
    found = describe(pl.Series([float(number) for number in range(11)]))
    assert found == {"mean": 5.0, "p10": 1.0, "p90": 9.0}


def test_answers_that_are_no_number_do_not_count():
    assert describe(pl.Series([None, float("nan"), float("inf"), 2.0])) == {"mean": 2.0, "p10": 2.0, "p90": 2.0}


def test_of_classes_the_mean_of_each():
    found = describe(pl.Series([[0.2, 0.8], [0.4, 0.6]]))
    assert found == {"mean 0": pytest.approx(0.3), "mean 1": pytest.approx(0.7)}
