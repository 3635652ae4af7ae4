"""What a person does about alerts, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from mlops_lab.alerts.actions import close_alert, silence_alert
from mlops_lab.alerts.channels.run import send_alerts
from mlops_lab.alerts.events import EventKind, read_events
from mlops_lab.alerts.states import AlertState, read_statuses
from mlops_lab.errors import NotFound, Refused
from mlops_lab.lake import Lake

AT = datetime(2013, 3, 2, 12, tzinfo=UTC)
ACK, RESOLVE = EventKind.ACKNOWLEDGED, EventKind.RESOLVED


def test_an_alert_is_acknowledged_then_resolved_and_neither_twice(tiny, lake: Lake, alerts):
    send_alerts(tiny.project, lake, alerts, position=("tick", 1))

    def close(event: EventKind):
        return close_alert(tiny.project, lake, alerts[0].id[:6], event=event, now=AT, by="Ada", reason="mine")

    assert close(ACK).state is AlertState.ACKNOWLEDGED
    with pytest.raises(Refused, match="is acknowledged already by Ada"):
        close(ACK)
    done = close(RESOLVE)
    assert (done.state, done.since) == (AlertState.RESOLVED, AT)
    for event in (ACK, RESOLVE):
        with pytest.raises(Refused, match="is resolved already by Ada") as refused:
            close(event)
        assert "mlops alerts show" in str(refused.value.hint)
    assert [event.event for event in read_events(lake)] == ["acknowledged", "resolved"]
    assert read_statuses(tiny.project, lake, now=AT)[1].state is AlertState.OPEN


def test_a_silence_is_about_what_the_alert_is_about_and_can_be_ended(tiny, lake: Lake, alerts):
    send_alerts(tiny.project, lake, alerts, position=("tick", 1))

    def silence(lasts: timedelta):
        silence_alert(tiny.project, lake, alerts[0].id, lasts=lasts, now=AT, by="Ada", reason="a migration")
        return [status.silenced_until for status in read_statuses(tiny.project, lake, now=AT)]

    assert silence(timedelta(hours=8)) == [AT + timedelta(hours=8), None]
    assert silence(timedelta(0)) == [None, None]


def test_an_alert_that_is_not_there_changes_nothing(tiny, lake: Lake):
    with pytest.raises(NotFound):
        close_alert(tiny.project, lake, "3f2a9c", event=ACK, now=AT, by="Ada", reason="mine")
    with pytest.raises(NotFound):
        silence_alert(tiny.project, lake, "3f2a9c", lasts=timedelta(1), now=AT, by="Ada", reason="mine")
    assert lake.tables() == []
