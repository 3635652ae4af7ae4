"""The delivery log: which channels fail, and since when."""

from datetime import UTC, datetime, timedelta

from mlops_lab.alerts.channels.post import FAILED, SENT, TIMED_OUT
from mlops_lab.alerts.deliveries import Delivery, FailingChannel, find_failing, read_deliveries, write_deliveries
from mlops_lab.lake import Lake

AT = datetime(2013, 3, 2, 5, tzinfo=UTC)


def attempt(hours: int, channel: str, result: str) -> Delivery:
    reason = "" if result == SENT else f"{result} after {hours}"
    at = AT + timedelta(hours=hours)
    return Delivery(at=at, channel=channel, alert=None, attempt=1, result=result, reason=reason, seconds=0.5)


def test_attempts_are_read_as_they_were_written(lake: Lake):
    assert read_deliveries(lake) == []
    attempts = [attempt(1, "mail", FAILED), attempt(1, "mail", SENT), attempt(2, "chat", TIMED_OUT)]
    write_deliveries(lake, attempts)
    assert read_deliveries(lake) == attempts


def test_a_channel_fails_since_the_first_failure_after_its_last_message(make_project):
    project = make_project(mail="json://127.0.0.1:9/", chat="json://127.0.0.1:9/")
    failures = [attempt(2, "mail", FAILED), attempt(3, "mail", TIMED_OUT), attempt(3, "gone", FAILED)]
    log = [attempt(0, "mail", FAILED), attempt(1, "mail", SENT), *failures, attempt(4, "chat", SENT)]
    expected = FailingChannel(name="mail", since=AT + timedelta(hours=2), reason="timed_out after 3")
    assert find_failing(project, log) == {"mail": expected}
    assert find_failing(project, [*log, attempt(5, "mail", SENT)]) == {}
