"""Quarantine: rows that broke the contract are set aside, never dropped, and brought in once they keep it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from mlops_lab.contracts.rules import Breach
from mlops_lab.contracts.tables import SetAside, breaches_of, sort_out
from mlops_lab.errors import InvalidInput
from mlops_lab.ids import hash_json
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.declared import QUARANTINE
from mlops_lab.tables.fields import table_fields
from mlops_lab.tables.table import MOMENT

SET_ASIDE, RELEASED = "set_aside", "released"


def make_frame(rows: Sequence[tuple[datetime, str, SetAside]], *, event: str = SET_ASIDE) -> pl.DataFrame:
    """Rows of the quarantine table: each with the moment, the table it was meant for, and what it broke."""
    records = [
        (hash_json([table, row.row])[:16], at, table, row.rule, row.column, row.text, row.row, event, None, None)
        for at, table, row in rows
    ]
    return pl.DataFrame(records, schema=QUARANTINE.fixed_schema, orient="row")


def set_aside(lake: Lake, at: datetime, *, table: str, rows: Sequence[SetAside]) -> None:
    """Write the rows down, except those that were set aside before."""
    frame = make_frame([(at, table, row) for row in rows]).unique("id", maintain_order=True)
    if QUARANTINE.exists(lake):
        frame = frame.join(QUARANTINE.read(lake, columns=["id"]), on="id", how="anti", maintain_order="left")
    if frame.height:
        QUARANTINE.append(lake, frame)


def waiting(lake: Lake) -> pl.DataFrame:
    """The rows that were set aside and not released yet, oldest first; each once."""
    if not QUARANTINE.exists(lake):
        return pl.DataFrame(schema=QUARANTINE.fixed_schema)
    rows = QUARANTINE.read(lake)
    released = rows.filter(pl.col("event") == RELEASED)
    kept = rows.filter(pl.col("event") == SET_ASIDE).unique("id", keep="first", maintain_order=True)
    return kept.join(released, on="id", how="anti", maintain_order="left").sort("at", "id")


def describe_quarantine(lake: Lake) -> list[Breach]:
    """The breaches of the rows that wait, by table and rule, with examples."""
    breaches: list[Breach] = []
    for (table,), rows in waiting(lake).group_by("table", maintain_order=True):
        aside = [SetAside(*row) for row in rows.select("rule", "column", "reason", "row").iter_rows()]
        breaches += breaches_of(str(table), aside)
    return breaches


def find_fixed(project: Project, lake: Lake) -> dict[str, tuple[list[str], pl.DataFrame]]:
    """The rows that wait and keep the contract by now: by table their ids, and the rows with the types of the table."""
    fields = table_fields(project)
    fixed: dict[str, tuple[list[str], pl.DataFrame]] = {}
    for row in waiting(lake).iter_rows(named=True):
        table = row["table"]
        if table not in fields:
            continue
        content: dict[str, Any] = msgspec.json.decode(row["row"])
        try:
            good, _ = sort_out(pl.DataFrame([content]), fields[table], table=table, key=[fields[table][0].name])
        except InvalidInput:  # of another type altogether: it stays in quarantine
            continue
        if good.height:
            ids, rows = fixed.get(table, ([], good.clear()))
            fixed[table] = ([*ids, row["id"]], rows.vstack(good))
    return fixed


def release(lake: Lake, at: datetime, *, ids: Sequence[str], by: str, why: str) -> None:
    """Note that these rows were brought into their tables, by whom, and why."""
    rows = waiting(lake).filter(pl.col("id").is_in(list(ids)))
    if rows.height:
        event = rows.with_columns(
            pl.lit(RELEASED).alias("event"),
            pl.lit(at, MOMENT).alias("at"),
            pl.lit(by).alias("by"),
            pl.lit(why or None, pl.String).alias("why"),
        )
        QUARANTINE.append(lake, event)
