"""The table of alerts: append-only, one row each."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from mlops_lab.alerts.alert import Alert
from mlops_lab.lake import Lake
from mlops_lab.tables.declared import ALERTS


def write_alerts(lake: Lake, alerts: Sequence[Alert], *, position: tuple[str, int]) -> None:
    """Append the alerts to the table; once for each `position` = (writer, number), whatever happens in between."""
    if alerts:
        rows = [(alert.at, alert.rule, alert.what, alert.where, alert.hint) for alert in alerts]
        ALERTS.append(lake, pl.DataFrame(rows, schema=ALERTS.fixed_schema, orient="row"), position=position)


def read_alerts(lake: Lake) -> list[Alert]:
    """All alerts, oldest first."""
    rows = (
        ALERTS.read(lake).sort("at", maintain_order=True)
        if ALERTS.exists(lake)
        else pl.DataFrame(schema=ALERTS.fixed_schema)
    )
    return [Alert(*row) for row in rows.select(list(ALERTS.fixed_schema)).iter_rows()]
