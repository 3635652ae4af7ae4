"""The fold: states, what is one alert, what is raised again, silences."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.events import AlertEvent, EventKind
from mlops_lab.alerts.states import AlertState, AlertStatus, find_status, fold_alerts
from mlops_lab.errors import InvalidInput, NotFound

AT = datetime(2013, 3, 2, 5, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
OPEN, ACKNOWLEDGED, RESOLVED = AlertState.OPEN, AlertState.ACKNOWLEDGED, AlertState.RESOLVED


def alert(days: float, rule: str = "parity", about: str = "load") -> Alert:
    at = AT + days * DAY
    return Alert(at, rule, "what", f"prediction of {at}", "hint", about=about)


def event(days: float, kind: EventKind, of: Alert | None, **parts) -> AlertEvent:
    parts = {"by": "Ada", "reason": "so"} | parts
    return AlertEvent(at=AT + days * DAY, event=kind, alert=of.id if of else None, **parts)


def fold(alerts, events=(), *, days: float = 100, same_within: timedelta = WEEK) -> list[AlertStatus]:
    return fold_alerts(alerts, events, now=AT + days * DAY, same_within=same_within)


def test_a_rule_that_fires_again_about_the_same_is_one_alert():
    (status,) = fold([alert(2), alert(0), alert(1)])
    assert (status.state, status.since, status.opened) == (OPEN, AT, AT)
    assert [item.at for item in status.raised] == [AT, AT + DAY, AT + 2 * DAY]
    assert status.id == alert(0).id
    assert status.last == alert(2)


def test_another_rule_another_thing_or_much_later_is_another_alert():
    others = [alert(0, rule="log"), alert(0, about="hour"), alert(7.1)]
    assert len(fold([alert(0), *others])) == 4
    assert len(fold([alert(0), alert(7)])) == 1


def test_an_alert_that_is_about_nothing_else_is_about_its_place():
    first, second = (Alert(AT, "log", "what", where, "hint") for where in ("table a", "table b"))
    assert len(fold([first, second, first])) == 2


def test_an_acknowledged_alert_stays_so_when_it_is_raised_again():
    ack = event(0.5, EventKind.ACKNOWLEDGED, alert(0))
    (status,) = fold([alert(0), alert(1)], [ack])
    assert (status.state, status.since, status.event) == (ACKNOWLEDGED, ack.at, ack)


def test_a_resolved_alert_that_is_raised_again_is_open_again():
    done = event(0.5, EventKind.RESOLVED, alert(0))
    (status,) = fold([alert(0)], [done])
    assert (status.state, status.event) == (RESOLVED, done)
    (status,) = fold([alert(0), alert(1), alert(2)], [done])
    assert (status.state, status.since, status.opened, status.event) == (OPEN, AT + DAY, AT + DAY, None)
    again = event(2.5, EventKind.RESOLVED, alert(1))  # by the id of any time that it was raised
    (status,) = fold([alert(0), alert(1), alert(2)], [again, done])
    assert (status.state, status.since, len(status.events)) == (RESOLVED, again.at, 2)


def test_what_is_resolved_cannot_be_acknowledged():
    done, ack = event(0.5, EventKind.RESOLVED, alert(0)), event(0.6, EventKind.ACKNOWLEDGED, alert(0))
    assert fold([alert(0)], [done, ack])[0].state is RESOLVED


def test_what_is_dated_later_plays_no_part():
    done = event(0.5, EventKind.RESOLVED, alert(0))
    assert fold([alert(0)], [done], days=0.4)[0].state is OPEN
    assert fold([alert(0), alert(1)], days=0.9)[0].last == alert(0)
    assert fold([alert(1)], days=0.9) == []


@pytest.mark.parametrize(
    ("silence", "is_silent"),
    [
        ({"rule": "parity"}, True),
        ({"rule": "parity", "about": "load"}, True),
        ({"rule": "parity", "about": "hour"}, False),
        ({"rule": "log"}, False),
    ],
)
def test_a_silence_is_of_a_rule_or_of_what_it_is_about(silence, is_silent: bool):
    until = AT + 2 * DAY
    silences = [event(1, EventKind.SILENCED, None, until=until, **silence)]
    assert fold([alert(0)], silences, days=1.5)[0].silenced_until == (until if is_silent else None)
    assert fold([alert(0)], silences, days=1.5)[0].state is OPEN
    assert fold([alert(0)], silences, days=2)[0].silenced_until is None
    assert fold([alert(0)], silences, days=0.5)[0].silenced_until is None


def test_the_last_silence_counts():
    first = event(1, EventKind.SILENCED, None, until=AT + 9 * DAY, rule="parity")
    end = event(2, EventKind.SILENCED, None, until=AT + 2 * DAY, rule="parity")
    assert fold([alert(0)], [first], days=3)[0].silenced_until == first.until
    assert fold([alert(0)], [end, first], days=3)[0].silenced_until is None


ALERTS = st.lists(
    st.builds(
        alert, st.integers(0, 40).map(float), st.sampled_from(["parity", "log"]), st.sampled_from(["load", "hour"])
    ),
    max_size=25,
)
KINDS = st.sampled_from([EventKind.ACKNOWLEDGED, EventKind.RESOLVED])


@given(ALERTS, st.lists(st.tuples(st.integers(0, 24), st.integers(0, 41), KINDS), max_size=8), st.randoms())
def test_the_fold_does_not_depend_on_the_order_of_rows_and_loses_none(alerts, done, rng: random.Random):
    events = [event(days + 0.5, kind, alerts[place % len(alerts)]) for place, days, kind in done if alerts]
    statuses = fold(alerts, events)
    shuffled, moments = rng.sample(alerts, len(alerts)), {item.at: item for item in events}
    assert [(item.id, item.state, item.since, item.opened) for item in fold(shuffled, moments.values())] == [
        (item.id, item.state, item.since, item.opened) for item in fold(alerts, list(moments.values()))
    ]
    assert sum(len(status.raised) for status in statuses) == len(alerts)
    for status in statuses:
        gaps = [later.at - sooner.at for sooner, later in pairwise(status.raised)]
        assert all(gap <= WEEK for gap in gaps)
        assert {item.key for item in status.raised} == {status.last.key}
        if status.state is RESOLVED:
            assert status.last.at <= status.since
    keys = sorted((status.last.key, status.raised[0].at, status.last.at) for status in statuses)
    for (key, _, end), (other, begin, _) in pairwise(keys):
        assert key != other or begin - end > WEEK


def test_an_alert_is_found_by_the_beginning_of_its_id():
    statuses = fold([alert(0), alert(1), alert(0, rule="log")])
    parity, log = (next(item for item in statuses if item.last.rule == rule) for rule in ("parity", "log"))
    assert find_status(statuses, parity.id) is parity
    assert find_status(statuses, alert(1).id) is parity
    assert find_status(statuses, log.id[:6]) is log
    for wrong in ("zz", "nothing"):
        with pytest.raises(NotFound, match="there is no alert"):
            find_status(statuses, wrong)
    with pytest.raises(InvalidInput, match="alerts begin with"):
        find_status(statuses, "")
