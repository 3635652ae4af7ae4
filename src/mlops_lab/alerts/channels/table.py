"""The table of alerts: one row for each time that a rule fired."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from mlops_lab.alerts.alert import Alert
from mlops_lab.lake import Lake
from mlops_lab.tables.declared import ALERTS

Position = tuple[str, int]
"""Who raises alerts, and a number that grows: the same alerts have the same position, however often they are raised."""


def write_alerts(lake: Lake, alerts: Sequence[Alert], position: Position) -> None:
    """Append the alerts to the table, once for each position."""
    rows = [(alert.at, alert.rule, alert.what, alert.where, alert.hint, alert.about) for alert in alerts]
    ALERTS.append(lake, pl.DataFrame(rows, schema=ALERTS.fixed_schema, orient="row"), position=position)


def read_alerts(lake: Lake) -> list[Alert]:
    """All alerts, oldest first; those of one moment by rule."""
    if not ALERTS.exists(lake):
        return []
    rows = ALERTS.read(lake).sort("at", "rule", maintain_order=True)
    if "about" not in rows.columns:  # rows of older releases only
        rows = rows.with_columns(about=pl.lit(None, pl.String()))
    rows = rows.with_columns(pl.col("about").fill_null(""))
    return [Alert(*row) for row in rows.select(list(ALERTS.fixed_schema)).iter_rows()]
