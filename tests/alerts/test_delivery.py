"""Sending: what is due, once, in one message; failures are tried again, told, and never through themselves."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mlops_lab.alerts import delivery
from mlops_lab.alerts.actions import close_alert, silence_rule
from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.post import FAILED, SENT, Post, PostResult
from mlops_lab.alerts.channels.run import send_alerts
from mlops_lab.alerts.channels.table import read_alerts
from mlops_lab.alerts.deliveries import find_failing, read_deliveries
from mlops_lab.alerts.delivery import MAX_AGE, deliver_alerts, try_channels
from mlops_lab.alerts.events import EventKind
from mlops_lab.alerts.states import read_statuses
from mlops_lab.lake import Lake
from mlops_lab.project import Project

AT = datetime(2013, 3, 2, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Services:
    """The services behind the channels: what was posted, and which of them are down."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, Post]] = []
        self.down: set[str] = set()

    def post_all(self, posts: Mapping[str, Post], *, timeout_seconds: float) -> dict[str, PostResult]:
        self.posted += posts.items()
        failed, sent = PostResult(FAILED, "it is down", timeout_seconds), PostResult(SENT, "", 0.1)
        return {name: failed if name in self.down else sent for name in posts}

    def titles(self) -> list[tuple[str, str]]:
        titles = [(name, post.title) for name, post in self.posted]
        self.posted.clear()
        return titles


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Services:
    services = Services()
    monkeypatch.setattr(delivery, "post_all", services.post_all)
    return services


@pytest.fixture
def project(make_project: Callable[..., Project]) -> Project:
    return make_project("max_attempts = 3", mail="json://127.0.0.1:9/mail", chat="json://127.0.0.1:9/chat")


def raise_alerts(project: Project, lake: Lake, *alerts: Alert) -> None:
    send_alerts(project, lake, alerts, position=("test", len(read_alerts(lake)) + 1))


def test_all_that_is_due_is_one_message_for_each_channel_and_sent_once(project, lake: Lake, alerts, services: Services):
    raise_alerts(project, lake, *alerts)
    now = AT + timedelta(hours=2)
    for minutes in range(3):
        deliver_alerts(project, lake, now=now + minutes * MINUTE)
    assert services.titles() == [(name, "tiny: 2 alerts (2 × parity)") for name in ("mail", "chat")]
    assert [(item.channel, item.alert, item.attempt, item.result) for item in read_deliveries(lake)] == [
        (channel, alert.id, 1, SENT) for channel in ("mail", "chat") for alert in alerts
    ]


def test_an_alert_that_goes_on_is_not_sent_again_and_one_that_comes_back_is(project, lake, alerts, services: Services):
    first = replace(alerts[0], about="load")
    raise_alerts(project, lake, first)
    deliver_alerts(project, lake, now=AT)
    days = [replace(first, at=AT + timedelta(days=day)) for day in (1, 2)]
    raise_alerts(project, lake, days[0])
    services.titles()
    deliver_alerts(project, lake, now=days[0].at)
    assert services.titles() == []
    close = {"event": EventKind.RESOLVED, "now": days[0].at, "by": "Ada", "reason": "mended"}
    close_alert(project, lake, first.id, **close)
    raise_alerts(project, lake, days[1])
    deliver_alerts(project, lake, now=days[1].at)
    assert services.titles() == [("mail", "tiny: parity"), ("chat", "tiny: parity")]


def test_a_channel_that_fails_is_tried_again_ever_later_and_not_for_ever(project, lake, alerts, services: Services):
    services.down = {"mail"}
    raise_alerts(project, lake, alerts[0])
    tried = []
    for minute in range(30):
        deliver_alerts(project, lake, now=AT + minute * MINUTE)
        tried += [minute for name, title in services.titles() if (name, title) == ("mail", "tiny: parity")]
    assert tried == [0, 1, 3]
    assert [item.attempt for item in read_deliveries(lake) if item.channel == "mail"] == [1, 2, 3]


def test_a_channel_that_fails_is_told_once_a_day_and_never_through_itself(project, lake, alerts, services: Services):
    services.down = {"mail"}
    raise_alerts(project, lake, alerts[0])
    for minute in range(5):
        deliver_alerts(project, lake, now=AT + minute * MINUTE)
    (failure,) = [alert for alert in read_alerts(lake) if alert.rule == "alert_channel"]
    assert (failure.what, failure.where) == ('the channel "mail" sends no alerts: it is down', 'channel "mail"')
    sent = services.titles()
    assert ("chat", "tiny: alert_channel") in sent
    assert ("mail", "tiny: alert_channel") not in sent
    (failing,) = find_failing(project, read_deliveries(lake)).values()
    assert (failing.name, failing.since, failing.reason) == ("mail", AT, "it is down")
    services.down = set()
    try_channels(project, lake, now=AT + 4 * MINUTE)  # at the very moment of an attempt that failed
    assert find_failing(project, read_deliveries(lake)) == {}


def test_two_dead_channels_do_not_tell_of_each_other_for_ever(project, lake, alerts, services: Services):
    services.down = {"mail", "chat"}
    raise_alerts(project, lake, alerts[0])
    for hours in range(0, 24 * 4, 8):
        deliver_alerts(project, lake, now=AT + timedelta(hours=hours))
    assert len(read_statuses(project, lake, now=AT + timedelta(days=4))) == 3
    titles = [title for name, title in services.titles() if name == "mail"]
    assert titles == ["tiny: parity", *["tiny: 2 alerts (alert_channel, parity)"] * 2, "tiny: alert_channel"]


@pytest.mark.parametrize("closed", [EventKind.ACKNOWLEDGED, EventKind.RESOLVED])
def test_what_somebody_looks_at_is_not_sent(project, lake, alerts, services: Services, closed: EventKind):
    raise_alerts(project, lake, *alerts)
    now = AT + timedelta(hours=2)
    close_alert(project, lake, alerts[0].id, event=closed, now=now, by="Ada", reason="mine")
    deliver_alerts(project, lake, now=now)
    assert services.posted[0][1].title == "tiny: parity"
    assert alerts[1].id in services.posted[0][1].text
    assert alerts[0].id not in services.posted[0][1].text


def test_what_is_silenced_is_sent_when_the_silence_ends(project, lake, alerts, services: Services):
    raise_alerts(project, lake, alerts[0], replace(alerts[0], rule="log"))
    silence_rule(lake, "parity", lasts=timedelta(hours=3), now=AT, by="Ada", reason="a migration")
    deliver_alerts(project, lake, now=AT)
    assert services.titles() == [("mail", "tiny: log"), ("chat", "tiny: log")]
    deliver_alerts(project, lake, now=AT + timedelta(hours=3))
    assert services.titles() == [("mail", "tiny: parity"), ("chat", "tiny: parity")]


def test_a_note_is_listed_and_not_sent(project, lake, alerts, services: Services):
    raise_alerts(project, lake, replace(alerts[0], rule="monitor_note"))
    deliver_alerts(project, lake, now=AT)
    assert services.posted == []
    raise_alerts(project, lake, replace(alerts[0], rule="monitor_page"))
    deliver_alerts(project, lake, now=AT)
    assert services.titles() == [("mail", "tiny: monitor_page"), ("chat", "tiny: monitor_page")]


def test_old_alerts_are_not_sent_through_a_new_channel(project, lake, alerts, services: Services):
    raise_alerts(project, lake, alerts[0])
    deliver_alerts(project, lake, now=AT + MAX_AGE + MINUTE)
    assert services.posted == []
    assert read_deliveries(lake) == []


def test_without_channels_or_alerts_nothing_is_done(make_project, project, lake: Lake, alerts, services: Services):
    deliver_alerts(project, lake, now=AT)
    assert lake.tables() == []
    raise_alerts(project, lake, *alerts)
    deliver_alerts(make_project(), lake, now=AT + timedelta(hours=2))
    assert (services.posted, lake.tables()) == ([], ["alerts"])


def test_a_clock_that_was_set_back_does_not_stop_attempts(project, lake, alerts, services: Services):
    services.down = {"mail", "chat"}
    raise_alerts(project, lake, alerts[0])
    deliver_alerts(project, lake, now=AT + timedelta(days=6))
    services.titles()
    deliver_alerts(project, lake, now=AT + MINUTE)
    assert ("mail", "tiny: parity") in services.titles()
