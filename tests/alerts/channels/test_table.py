"""The table of alerts."""

from dataclasses import replace
from datetime import timedelta

import polars as pl

from mlops_lab.alerts.channels.table import read_alerts, write_alerts
from mlops_lab.lake import Lake
from mlops_lab.tables.declared import ALERTS


def test_alerts_are_read_as_they_were_written_oldest_first(lake: Lake, alerts):
    assert read_alerts(lake) == []
    first, second = replace(alerts[0], about="load"), alerts[1]
    write_alerts(lake, [second], ("tick", 1))
    write_alerts(lake, [first], ("tick", 2))
    assert read_alerts(lake) == [first, second]


def test_alerts_of_one_moment_are_read_by_rule(lake: Lake, alerts):
    failure = replace(alerts[0], rule="alert_channel")
    write_alerts(lake, [alerts[0]], ("tick", 1))
    write_alerts(lake, [failure], ("tick", 2))
    assert read_alerts(lake) == [failure, alerts[0]]


def test_rows_of_a_release_that_did_not_know_what_an_alert_is_about_are_read(lake: Lake, alerts):
    older = ["at", "rule", "what", "where", "hint"]
    rows = pl.DataFrame([[getattr(alert, name) for name in older] for alert in alerts], schema=older, orient="row")
    ALERTS.append(lake, rows, position=("tick", 1))
    assert read_alerts(lake) == alerts
    newer = replace(alerts[1], at=alerts[1].at + timedelta(hours=1), about="load")
    write_alerts(lake, [newer], ("tick", 2))
    assert read_alerts(lake) == [*alerts, newer]
    assert [alert.key for alert in read_alerts(lake)] == [
        ("parity", "where 0"),
        ("parity", "where 1"),
        ("parity", "load"),
    ]
