"""Channel: the table of alerts."""

from dataclasses import replace

from mlops_lab.alerts.channels.table import read_alerts, write_alerts
from mlops_lab.lake import Lake


def test_alerts_are_read_as_they_were_written_oldest_first(tiny, lake: Lake, alerts):
    assert read_alerts(lake) == []
    first, second = alerts
    write_alerts(tiny.project, lake, [second], ("tick", 1))
    write_alerts(tiny.project, lake, [first], ("tick", 2))
    assert read_alerts(lake) == [first, second]


def test_alerts_of_one_moment_are_read_by_rule(tiny, lake: Lake, alerts):
    failure = replace(alerts[0], rule="alert_channel")
    write_alerts(tiny.project, lake, [alerts[0]], ("tick", 1))
    write_alerts(tiny.project, lake, [failure], ("tick", 2))
    assert read_alerts(lake) == [failure, alerts[0]]
