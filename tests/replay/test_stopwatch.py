"""The seconds of each stage add up to the whole."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_lab.replay.stopwatch import Stopwatch


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 100)), min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_stages_add_up_to_the_whole(monkeypatch: pytest.MonkeyPatch, stages: list[tuple[str, int]]) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    expected: dict[str, float] = {}
    stopwatch = Stopwatch(stages[0][0])
    for index, (stage, seconds) in enumerate(stages):
        now += seconds
        expected[stage] = expected.get(stage, 0.0) + seconds
        stopwatch.start(stages[index + 1][0] if index + 1 < len(stages) else "the end")
    assert stopwatch.seconds == expected
    assert stopwatch.total_seconds == sum(expected.values())
