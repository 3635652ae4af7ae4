"""The newest predictions as spans for Arize Phoenix, and a script that sends them to its server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from mlops_lab.exporters.commands import write_code
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.readme import write_readme
from mlops_lab.ids import hash_json
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.loop.days import measured_windows
from mlops_lab.loop.joined_outcomes import predictions_in
from mlops_lab.project import Project
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_champion
from mlops_lab.tables.fields import request_fields
from mlops_lab.tables.open_lake import open_lake

SPANS = 10_000
"""So many predictions are exported at most, of the newest measured days."""


def export(project: Project, folder: Path) -> ExportReport:
    """Write spans and script into an empty folder."""
    lake = open_lake(project)
    find_champion(read_decisions(lake))
    if project.journal_path.exists():
        ingest_journal(project, lake)
    fields = [field.name for field in request_fields(project)]
    rows = [row for rows in _newest_days(lake) for row in rows.tail(SPANS).iter_rows(named=True)][-SPANS:]
    spans = [msgspec.json.encode(_make_span(project.name, row, fields)) + b"\n" for row in rows]
    (folder / "spans.jsonl").write_bytes(b"".join(spans))
    write_code(folder, "send_spans.py", tool="phoenix", PROJECT=project.name)
    write_readme(folder, tool="phoenix", name=project.name, most=f"{SPANS:,}")
    lines = (f"{len(spans):,} predictions as spans", "next: `python send_spans.py` in the folder")
    return ExportReport({"spans": len(spans)}, lines)


def _newest_days(lake: Lake) -> Sequence[pl.DataFrame]:
    """The predictions of the newest measured days, the oldest day first: as many days as it takes."""
    found: list[pl.DataFrame] = []
    for window in reversed(measured_windows(lake)):
        if sum(rows.height for rows in found) >= SPANS:
            break
        rows = predictions_in(lake, window)
        if rows.height:
            found.append(rows.sort("at", "id"))
    return found[::-1]


def _make_span(project: str, row: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """A prediction as Phoenix takes it. Its ids follow from the id of the prediction: sent twice, it is there once."""
    name = hash_json([project, row["id"]])
    at = row["at"].isoformat()
    attributes = {
        "openinference.span.kind": "CHAIN",
        "input.value": _encode({name: row[name] for name in fields if name in row}),
        "input.mime_type": "application/json",
        "output.value": _encode(row["output"]),
        "output.mime_type": "application/json",
        "mlops.id": row["id"],
        "mlops.version": row["version"],
        "mlops.role": row["role"],
    }
    return {
        "name": "predict",
        "context": {"trace_id": name[:32], "span_id": name[32:48]},
        "span_kind": "CHAIN",
        "start_time": at,
        "end_time": at,
        "status_code": "OK",
        "attributes": dict(_present(attributes)),
    }


def _present(attributes: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in attributes.items() if value is not None)


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()
