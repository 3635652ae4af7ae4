"""Which alerts end by themselves, and on which day."""

from datetime import UTC, datetime, timedelta

import pytest

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.run import send_alerts
from mlops_lab.alerts.endings import list_ended, resolve_ended, resolve_over
from mlops_lab.alerts.events import AlertEvent, EventKind, read_events
from mlops_lab.alerts.runbooks import Ends
from mlops_lab.alerts.states import AlertState, fold_alerts, read_statuses
from mlops_lab.lake import Lake
from mlops_lab.monitoring.window import Window

AT = datetime(2013, 3, 2, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def alert(days: float, rule: str, about: str = "load") -> Alert:
    return Alert(AT + days * DAY, rule, "what", "where", "hint", about=about)


def ended(*alerts: Alert, day: int | None, events=(), failing=()) -> list[str]:
    now = AT + (day if day is not None else 9) * DAY
    window = Window(now - DAY, now) if day is not None else None
    statuses = fold_alerts(alerts, events, now=now, same_within=7 * DAY)
    names = {status.id: status.last.rule for status in statuses}
    return [names[str(event.alert)] for event in list_ended(statuses, now=now, day=window, failing=set(failing))]


def test_what_is_checked_each_day_ends_on_the_first_that_does_not_raise_it():
    assert ended(alert(0, "parity"), day=0) == []
    assert ended(alert(0, "parity"), day=1) == ["parity"]
    assert ended(alert(0, "parity"), alert(1, "parity"), day=1) == []
    assert ended(alert(0, "parity"), alert(1, "parity", about="hour"), day=1) == ["parity"]


@pytest.mark.parametrize("rule", ["package", "log", "alias"])
def test_what_is_raised_once_a_day_while_it_lasts_ends_after_a_whole_day_without_it(rule: str):
    assert ended(alert(0.1, rule), day=1) == []
    assert ended(alert(0, rule), day=1) == []
    assert ended(alert(0, rule), day=2) == [rule]


def test_a_day_of_which_something_was_not_measured_ends_nothing():
    assert ended(alert(0, "parity"), alert(1, "unmeasured", about="parity"), day=1) == []
    assert ended(alert(0, "parity"), alert(1, "unmeasured", about="parity"), day=2) == ["parity", "unmeasured"]


@pytest.mark.parametrize("rule", ["journal", "clock", "of another release"])
def test_what_happened_once_waits_for_a_person(rule: str):
    assert ended(alert(0, rule), day=6) == []


def test_without_a_measured_day_only_channels_end():
    assert ended(alert(0, "parity"), alert(0, "alert_channel", about='channel "ops"'), day=None) == ["alert_channel"]
    assert ended(alert(0, "alert_channel", about='channel "ops"'), day=1, failing=['channel "ops"']) == []


def test_what_is_acknowledged_ends_too_and_what_is_resolved_not_twice():
    first = alert(0, "parity")
    for kind, expected in ((EventKind.ACKNOWLEDGED, ["parity"]), (EventKind.RESOLVED, [])):
        event = AlertEvent(at=AT + DAY / 2, event=kind, alert=first.id, by="Ada", reason="so")
        assert ended(first, day=1, events=[event]) == expected


def test_a_monitor_ends_when_it_is_usual_again_and_not_because_it_is_raised_once(tiny, lake: Lake):
    page, note = alert(0, "monitor_page", about="quality of log_loss"), alert(0, "monitor_note", about="drift of load")
    assert ended(page, note, day=5) == []
    send_alerts(tiny.project, lake, [page, note, alert(0, "parity")], position=("tick", 1))
    resolve_over(
        tiny.project, lake, Ends.WITH_MONITOR, at=AT + DAY, lasting={"quality of log_loss"}, reason="usual again"
    )
    states = {item.last.rule: item.state for item in read_statuses(tiny.project, lake, now=AT + DAY)}
    assert states == {
        "monitor_note": AlertState.RESOLVED, "monitor_page": AlertState.OPEN, "parity": AlertState.OPEN,
    }  # fmt: skip
    resolve_over(
        tiny.project, lake, Ends.WITH_MONITOR, at=AT + 2 * DAY, lasting={"quality of log_loss"}, reason="usual again"
    )
    assert len(read_events(lake)) == 1


def test_it_is_written_down_once_with_the_reason(tiny, lake: Lake):
    resolve_ended(tiny.project, lake, now=AT, day=None)
    assert lake.tables() == []
    send_alerts(tiny.project, lake, [alert(0, "parity")], position=("tick", 1))
    for minute in range(2):
        now = AT + DAY + timedelta(minutes=minute)
        resolve_ended(tiny.project, lake, now=now, day=Window(AT, AT + DAY))
    (event,) = read_events(lake)
    assert (event.event, event.by, event.at) == ("resolved", "loop", AT + DAY)
    assert event.reason == "it was not raised again on the day that ended 2013-03-03T05:00:00+00:00"
    assert [item.state for item in read_statuses(tiny.project, lake, now=AT + 2 * DAY)] == [AlertState.RESOLVED]
