"""A process that dies now and then is restarted; one that dies again and again is not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.serving.process.restarts import MAX_RESTARTS, WINDOW_SECONDS, RestartCounter


@given(st.lists(st.floats(0, WINDOW_SECONDS), max_size=40))
def test_a_restart_is_allowed_while_the_window_holds_few_enough(pauses: list[float]) -> None:
    now, times = 0.0, []
    counter = RestartCounter(clock=lambda: now)
    for pause in pauses:
        now += pause
        times.append(now)
        recent = [time for time in times if time > now - WINDOW_SECONDS]
        assert counter.count() == (len(recent) <= MAX_RESTARTS)


def test_after_a_quiet_window_restarts_are_allowed_again() -> None:
    now = 0.0
    counter = RestartCounter(clock=lambda: now)
    assert [counter.count() for _ in range(MAX_RESTARTS + 1)] == [True] * MAX_RESTARTS + [False]
    now = WINDOW_SECONDS
    assert counter.count()


def test_by_default_it_measures_with_a_clock_of_the_system() -> None:
    counter = RestartCounter()
    assert [counter.count() for _ in range(MAX_RESTARTS + 1)] == [True] * MAX_RESTARTS + [False]
