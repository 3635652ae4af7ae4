"""Sending alerts: the table first, and a channel that fails stops nothing."""

from collections.abc import Sequence

import pytest

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels import run
from mlops_lab.alerts.channels.base import Channel, Position
from mlops_lab.alerts.channels.run import CHANNELS, send_alerts
from mlops_lab.alerts.channels.table import read_alerts
from mlops_lab.lake import Lake
from mlops_lab.project import Project


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


def test_a_channel_that_fails_loses_no_alert_and_stops_no_other(tiny, lake: Lake, alerts, monkeypatch):
    reached: list[Alert] = []

    def fail(project: Project, lake: Lake, failed: Sequence[Alert], position: Position) -> None:
        assert all(alert in read_alerts(lake) for alert in failed), "the table comes first"
        raise RuntimeError("no network")

    phone = Channel("phone", lambda project, lake, sent, position: reached.extend(sent))
    monkeypatch.setattr(run, "CHANNELS", (*CHANNELS, Channel("mail", fail), phone))
    for _ in range(2):  # a tick that is repeated
        send_alerts(tiny.project, lake, alerts, position=("tick", 1))
    assert reached == alerts * 2
    assert [alert for alert in read_alerts(lake) if alert.rule == "parity"] == alerts
    (failure,) = [alert for alert in read_alerts(lake) if alert.rule == "alert_channel"]
    assert (failure.rule, failure.where) == ("alert_channel", 'channel "mail"')
    assert "2 alerts could not be sent: RuntimeError: no network" in failure.what


def test_where_the_table_cannot_be_written_nothing_else_is_tried(tiny, lake: Lake, alerts, monkeypatch):
    reached: list[Alert] = []

    def full(project: Project, lake: Lake, sent: Sequence[Alert], position: Position) -> None:
        raise OSError("disk full")

    phone = Channel("phone", lambda project, lake, sent, position: reached.extend(sent))
    monkeypatch.setattr(run, "CHANNELS", (Channel("table", full), phone))
    with pytest.raises(OSError, match="disk full"):
        send_alerts(tiny.project, lake, alerts, position=("tick", 1))
    assert reached == []
