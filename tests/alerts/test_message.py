"""One message for many alerts: it says what, where, since when, what to do, and how many more there are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.message import MAX_SHOWN, write_message, write_test_message
from mlops_lab.alerts.runbooks import runbook_of
from mlops_lab.alerts.states import fold_alerts

AT = datetime(2013, 3, 2, 5, tzinfo=UTC)
LOAD = Alert(AT, "parity", "load was served as 1.0", "prediction p1", "7 differ", about="load")


def statuses(*alerts: Alert):
    return fold_alerts(alerts, [], now=AT + timedelta(days=30), same_within=timedelta(days=7))


def test_a_message_says_all_of_an_alert():
    message = write_message("shop", statuses(LOAD, replace(LOAD, at=AT + timedelta(days=1), where="prediction p9")))
    assert message.title == "shop: parity"
    for text in (
        "[parity] load was served as 1.0", "where: prediction p9", "what to do: 7 differ", f"id: {LOAD.id}",
        f"runbook: {runbook_of('parity').line}", "2 times since 2013-03-02T05:00:00+00:00", "mlops alerts ack ID",
    ):  # fmt: skip
        assert text in message.text


def test_a_title_counts_rules():
    others = [replace(LOAD, about="hour"), replace(LOAD, rule="log")]
    assert write_message("shop", statuses(LOAD, *others)).title == "shop: 3 alerts (log, 2 × parity)"


def test_many_alerts_are_counted_and_not_all_shown():
    many = [replace(LOAD, about=str(number)) for number in range(MAX_SHOWN + 5)]
    text = write_message("shop", statuses(*many)).text
    assert text.count("runbook: ") == MAX_SHOWN
    assert "and 5 more: `mlops alerts list`" in text
    assert "more: `mlops" not in write_message("shop", statuses(*many[:MAX_SHOWN])).text


def test_a_test_message_names_the_channel():
    message = write_test_message("shop", "ops")
    assert (message.title, '"ops" of shop works' in message.text) == ("shop: a test", True)
