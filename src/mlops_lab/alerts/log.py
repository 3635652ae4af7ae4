"""The table of alerts: append-only, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from mlops_lab.lake import Lake

TABLE = "alerts"
_SCHEMA = {
    "at": pl.Datetime("us", "UTC"),
    "rule": pl.String(),
    "what": pl.String(),
    "where": pl.String(),
    "hint": pl.String(),
}


@dataclass(frozen=True)
class Alert:
    """One rule that fired: what it saw, where, and what to do about it."""

    at: datetime
    rule: str
    what: str
    where: str
    hint: str


def write_alerts(lake: Lake, alerts: Sequence[Alert], *, position: tuple[str, int]) -> None:
    """Append the alerts to the table; once for each `position` = (writer, number), whatever happens in between."""
    if alerts:
        rows = [(alert.at, alert.rule, alert.what, alert.where, alert.hint) for alert in alerts]
        lake.append(TABLE, pl.DataFrame(rows, schema=_SCHEMA, orient="row"), time="at", position=position)


def read_alerts(lake: Lake) -> list[Alert]:
    """All alerts, oldest first."""
    rows = lake.read(TABLE).sort("at", maintain_order=True) if lake.exists(TABLE) else pl.DataFrame(schema=_SCHEMA)
    return [Alert(*row) for row in rows.select(list(_SCHEMA)).iter_rows()]
