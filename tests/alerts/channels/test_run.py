"""Raising alerts: they are in the table, once."""

from dataclasses import replace
from datetime import timedelta

from mlops_lab.alerts.channels.run import send_alerts, send_once_a_day
from mlops_lab.alerts.channels.table import read_alerts
from mlops_lab.lake import Lake


def test_alerts_are_in_the_table_once_however_often_a_tick_is_repeated(tiny, lake: Lake, alerts):
    for _ in range(3):
        send_alerts(tiny.project, lake, alerts, position=("tick", 1))
    assert read_alerts(lake) == alerts
    send_alerts(tiny.project, lake, alerts[:1], position=("tick", 2))
    assert len(read_alerts(lake)) == 3


def test_no_alerts_write_nothing(tiny, lake: Lake):
    send_alerts(tiny.project, lake, [], position=("tick", 1))
    assert lake.tables() == []
    assert read_alerts(lake) == []


def test_what_lasts_is_raised_once_a_day(tiny, lake: Lake, alerts):
    first = alerts[0]
    later = [replace(first, at=first.at + timedelta(hours=hours)) for hours in (1, 18, 24)]
    for alert in (first, *later):
        send_once_a_day(tiny.project, lake, alert, about="the disk")
    assert read_alerts(lake) == [first, later[2]]
