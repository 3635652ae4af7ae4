"""Requests of clients whose clock is ahead."""

from datetime import UTC, datetime, timedelta

import pytest

from mlops_lab import clock
from mlops_lab.clock import to_micros
from mlops_lab.serving.answering.time_limit import TimeLimit
from mlops_lab.tables.trusted_moments import MAX_JUMP, TRUSTED_ROWS

NOW = datetime(2013, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def micros(*moments: datetime) -> list[int]:
    return list(map(to_micros, moments))


def test_with_the_machines_clock_a_request_is_answered_as_of_now_at_the_latest(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    limit = TimeLimit(uses_wall_clock=True)
    past = micros(NOW - HOUR, NOW)
    assert limit.apply(past, newest=None) is past, "nothing is copied where nothing changes"
    assert limit.apply(micros(NOW - HOUR, NOW + 9 * HOUR), newest=None) == micros(NOW - HOUR, NOW)
    assert limit.limited == 1


def test_with_the_clock_of_the_data_a_request_far_ahead_is_answered_as_of_the_newest():
    limit = TimeLimit(uses_wall_clock=False)
    near, far = NOW + MAX_JUMP, NOW + 13 * 365 * 24 * HOUR
    assert limit.apply(micros(near), newest=NOW) == micros(near)
    assert limit.apply(micros(NOW, far), newest=NOW) == micros(NOW, NOW)
    assert limit.apply(micros(far), newest=None) == micros(far), "there is nothing to compare it with"


@pytest.mark.parametrize("interrupted", [False, True])
def test_many_requests_ahead_with_none_between_are_believed(interrupted):
    limit, far = TimeLimit(uses_wall_clock=False), NOW + 2 * MAX_JUMP
    for _ in range(TRUSTED_ROWS - 1):
        assert limit.apply(micros(far), newest=NOW) == micros(NOW)
    if interrupted:
        limit.apply(micros(NOW), newest=NOW)
    assert limit.apply(micros(far), newest=NOW) == micros(NOW if interrupted else far)
