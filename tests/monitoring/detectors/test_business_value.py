"""What answers were worth, and beside what they let expect."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from mlops_lab.monitoring.detectors.base import Seen
from mlops_lab.monitoring.detectors.business_value import BUSINESS_VALUE
from mlops_lab.monitoring.window import Window
from mlops_lab.tasks.binary import Binary

DAY = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=1))


def measure(**columns: list[float | None]) -> dict[str, float | None]:
    return dict(BUSINESS_VALUE.measure(Seen(DAY, Binary(), pl.DataFrame(), pl.DataFrame(columns))))


def test_the_mean_value_and_by_how_much_it_is_above_what_was_expected():
    found = measure(value=[30.0, -10.0, None, 0.0], expected_value=[20.0, 5.0, 3.0, 1.0])
    assert found == pytest.approx({"mean": 20 / 3, "excess": -2.0})
    assert measure(value=[1.0, 3.0]) == {"mean": 2.0}


def test_nothing_where_no_value_is_declared_or_known():
    assert measure(truth=[1.0]) == {}
    assert measure(value=[None]) == {}
    assert measure() == {}
