"""How rows arrived in the lake, and when rows of a file would have arrived.

A file is loaded now and then; in production its rows would have come one by one. Training counts a row of a file as
received when it would have been; what a server has really seen, and parity, go by the moment of the load.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import polars as pl

from mlops_lab.clock import parse_duration
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.verdict import Verdict

LOAD_LEAD = timedelta(seconds=10)
"""How long after a load its new rows become visible to features: by then all servers have them."""
MIN_MEASURED = 50
"""A delay that was seen less often is not taken as that of a table."""


class Arrival(StrEnum):
    """How a row arrived; null: in the first load of its table, or before this was written."""

    FILE = "file"
    """In a later load of the file, which had grown."""
    SENT = "sent"
    """It was sent to the server, or by `mlops ingest`."""
    CORRECTION = "correction"
    """It corrects an earlier row, and came with a file: it counts instead of it from the moment at which it was
    received."""
    SENT_CORRECTION = "sent_correction"
    """It corrects an earlier row, and was sent."""
    GONE = "gone"
    """The file does not have the row any more: from the moment at which it was received, the row does not count."""
    FILLED = "filled"
    """An earlier row, with values in columns that the table did not have before: it counts instead of it at once."""


SENT = (Arrival.SENT, Arrival.SENT_CORRECTION)
"""Of rows that were sent one by one."""
LATER = (Arrival.CORRECTION, Arrival.SENT_CORRECTION, Arrival.GONE, Arrival.FILLED)
"""Of rows that are later versions of others."""


def file_delay(project: Project, lake: Lake, table: str, *, until: datetime | None = None) -> timedelta:
    """How long after it became known a row of the table's file counts as received in training.

    It is `arrives_after`; else the median delay of the rows that were sent one by one and received by `until` (None:
    ever), where there are enough of them.
    """
    is_source = table == project.settings.source.table
    section = project.settings.source if is_source else project.settings.tables[table]
    if section.arrives_after is not None:
        return parse_duration(section.arrives_after)
    delays = _outcome_delays(lake, until) if is_source else _fact_delays(lake, table, section.known_at, until)
    median = delays.median() if len(delays) >= MIN_MEASURED else None
    return median if isinstance(median, timedelta) else timedelta(0)


def _outcome_delays(lake: Lake, until: datetime | None) -> pl.Series:
    if not OUTCOMES.exists(lake):
        return pl.Series(dtype=pl.Duration("us"))
    rows = OUTCOMES.read(lake, columns=["verdict", "known_at", "received_at"])
    return _delays(rows.filter(pl.col("verdict") == Verdict.ACCEPTED), "known_at", until)


def _fact_delays(lake: Lake, table: str, known_at: str | None, until: datetime | None) -> pl.Series:
    if known_at is None or "received_as" not in lake.schema(table):
        return pl.Series(dtype=pl.Duration("us"))
    rows = lake.read(table, columns=["received_as", known_at, "received_at"])
    return _delays(rows.filter(pl.col("received_as") == Arrival.SENT), known_at, until)


def _delays(rows: pl.DataFrame, known_at: str, until: datetime | None) -> pl.Series:
    """How long after they were known rows were received; not at all where they were received at once."""
    if until is not None:
        rows = rows.filter(pl.max_horizontal("received_at", known_at) <= until)
    late = pl.col("received_at") - pl.col(known_at)
    return rows.select(pl.max_horizontal(late, pl.lit(timedelta(0))).fill_null(timedelta(0)).alias("delay"))["delay"]
