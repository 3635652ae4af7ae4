"""How late outcomes arrive."""

from datetime import UTC, datetime, timedelta

import polars as pl

from mlops_lab.monitoring.detectors.base import Seen
from mlops_lab.monitoring.detectors.outcome_lag import measure_lag
from mlops_lab.monitoring.window import Window
from mlops_lab.tables.table import MOMENT
from mlops_lab.tasks.binary import Binary

DAY = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))


def lag(hours: list[float]) -> dict[str, float | None]:
    rows = {"predicted_at": [DAY.began] * len(hours), "arrived_at": [DAY.began + timedelta(hours=h) for h in hours]}
    return dict(
        measure_lag(Seen(DAY, Binary(), pl.DataFrame(), pl.DataFrame(rows, schema=dict.fromkeys(rows, MOMENT))))
    )


def test_median_and_ninetieth_percentile():
    assert lag([float(hour) for hour in range(11)]) == {"p50_hours": 5.0, "p90_hours": 9.0}


def test_nothing_without_outcomes():
    assert lag([]) == {}
