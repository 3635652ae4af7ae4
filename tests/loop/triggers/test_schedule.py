"""Trigger: the last training is a fixed number of days ago, counted on the calendar."""

from datetime import UTC, datetime, timedelta

from trigger_days import EVERY, TRAINED, midnight, trigger_input

from mlops_lab.loop.triggers.schedule import check_schedule


def fires(tiny, last_training: datetime | None, now: datetime) -> bool:
    return check_schedule(trigger_input(tiny.project, last_training, now)) is not None


def test_it_fires_on_its_day_and_after(tiny):
    assert not fires(tiny, TRAINED, midnight(EVERY) - timedelta(minutes=1))
    assert fires(tiny, TRAINED, midnight(EVERY))
    assert fires(tiny, TRAINED, midnight(EVERY + 100))
    assert not fires(tiny, None, midnight(EVERY))


def test_a_longer_month_has_an_hour_more_where_the_clocks_change(tiny):
    autumn = datetime(2013, 10, 25, 4, tzinfo=UTC)
    assert not fires(tiny, autumn, datetime(2013, 11, 22, 4, tzinfo=UTC)), "an hour before midnight by now"
    assert fires(tiny, autumn, datetime(2013, 11, 22, 5, tzinfo=UTC))
