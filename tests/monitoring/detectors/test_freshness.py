"""How old the newest answer and the newest outcome are."""

from datetime import UTC, datetime, timedelta

import polars as pl

from mlops_lab.monitoring.detectors.base import Seen
from mlops_lab.monitoring.detectors.freshness import measure_age
from mlops_lab.monitoring.window import Window
from mlops_lab.tasks.binary import Binary

DAY = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))


def age(answered: list[int], arrived: list[int]) -> dict[str, float | None]:
    def rows(column: str, hours: list[int]) -> pl.DataFrame:
        return pl.DataFrame({column: [DAY.began + timedelta(hours=hour) for hour in hours]})

    return dict(measure_age(Seen(DAY, Binary(), rows("at", answered), rows("arrived_at", arrived))))


def test_hours_from_the_newest_to_the_end_of_the_window():
    assert age([3, 20], [23]) == {"predictions_hours": 4.0, "outcomes_hours": 1.0}


def test_a_feed_that_stopped_is_as_old_as_the_window():
    assert age([12], []) == {"predictions_hours": 12.0, "outcomes_hours": 24.0}
