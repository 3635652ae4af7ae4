"""Channel: the table of alerts, one row each."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.base import Channel, Position
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.declared import ALERTS


def write_alerts(_project: Project, lake: Lake, alerts: Sequence[Alert], position: Position) -> None:
    """Append the alerts to the table, once for each position."""
    rows = [(alert.at, alert.rule, alert.what, alert.where, alert.hint) for alert in alerts]
    ALERTS.append(lake, pl.DataFrame(rows, schema=ALERTS.fixed_schema, orient="row"), position=position)


def read_alerts(lake: Lake) -> list[Alert]:
    """All alerts, oldest first; those of one moment by rule."""
    if not ALERTS.exists(lake):
        return []
    rows = ALERTS.read(lake).sort("at", "rule", maintain_order=True)
    return [Alert(*row) for row in rows.select(list(ALERTS.fixed_schema)).iter_rows()]


TABLE = Channel("table", write_alerts)
