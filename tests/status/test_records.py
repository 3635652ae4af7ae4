"""The performance record leaves out windows without outcomes."""

import msgspec

from mlops_lab.status.records import Performance, RetrainingStatus, WindowPerformance

WINDOW = WindowPerformance(metric="rmse", value=1.0, base=None, outcomes=3, at="2024-03-25T00:00:00+00:00")


def test_windows_without_outcomes_are_left_out() -> None:
    assert list(Performance().windows()) == []
    assert msgspec.to_builtins(Performance()) == {}
    performance = Performance(week_before=WINDOW, last_day=WINDOW)
    assert [name for name, _ in performance.windows()] == ["last_day", "week_before"]
    assert msgspec.to_builtins(performance).keys() == {"last_day", "week_before"}


def test_a_retraining_is_under_way_or_due() -> None:
    under_way = RetrainingStatus(began=WINDOW.at, reason="drift")
    assert msgspec.to_builtins(under_way) == {"began": WINDOW.at, "reason": "drift"}
