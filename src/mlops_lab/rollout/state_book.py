"""The predictions in the state that servers start from: the records of those that may still get an outcome, the
outcomes that some of them have already, and an index of both."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from mlops_lab.ids import hash_json
from mlops_lab.journal.frames import frame_bytes
from mlops_lab.journal.records import RECORDS_PER_FRAME, OutcomeRecord, PredictionRecord, encode_frames
from mlops_lab.journal.segments import write_segment
from mlops_lab.lake import Lake
from mlops_lab.lake.added import Mark, mark_of
from mlops_lab.project import Project
from mlops_lab.serving.answering.state_book import INDEX_FILE, SCHEMA
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS, SHADOWS
from mlops_lab.tables.fields import outcome_fields, request_fields
from mlops_lab.tables.verdict import COUNTED

_LOGGED_FIELDS = ("id", "at", "version", "role", "output", "shadow_version", "missing")
_ANSWER_FIELDS = ("id", "at", "version", "role", "output", "shadow_version", "shadow_output")


SOURCE_FILE = "source.json"


class _Source(msgspec.Struct, frozen=True):
    """What a book was made from: tables up to their marks, the predictions since a moment, and what was declared."""

    marks: dict[str, Mark]
    since: datetime
    declared: str
    format: int = 1


def write_book(project: Project, lake: Lake, folder: Path, *, since: datetime, before: Path | None = None) -> None:
    """Write the predictions made since a moment, and the outcome of each that counts by now, into a new folder.

    `before`: the book of the state before. Where no prediction and no outcome was added since then, it is taken over.
    """
    source = _Source(_marks(lake), since, hash_json(msgspec.to_builtins(project.settings.source)))
    if before is not None and _is_still_right(before, source):
        shutil.copytree(before, folder, copy_function=os.link)
        return
    _write_book(project, lake, folder, since=since)
    (folder / SOURCE_FILE).write_bytes(msgspec.json.encode(source))


def _is_still_right(book: Path, source: _Source) -> bool:
    try:
        known = msgspec.json.decode((book / SOURCE_FILE).read_bytes(), type=_Source)
    except (OSError, msgspec.MsgspecError):
        return False
    return known.since <= source.since and msgspec.structs.replace(known, since=source.since) == source


def _marks(lake: Lake) -> dict[str, Mark]:
    tables = [table for table in (PREDICTIONS, SHADOWS, OUTCOMES) if table.exists(lake)]
    return {table.name: mark_of(lake.table_path(table.name), lake.version(table.name)) for table in tables}


def _write_book(project: Project, lake: Lake, folder: Path, *, since: datetime) -> None:
    predictions, outcomes = _predictions(project, lake, since), _outcomes(lake, since)
    sizes: list[int] = []

    def payloads() -> Iterator[bytes]:
        for payload in encode_frames(chain(_prediction_records(project, predictions), _records(project, outcomes))):
            sizes.append(frame_bytes(len(payload)))
            yield payload

    write_segment(folder, payloads())
    starts = np.cumsum([0, *sizes])
    numbers = np.arange(predictions.height + outcomes.height)
    locations = starts[numbers // RECORDS_PER_FRAME] * RECORDS_PER_FRAME + numbers % RECORDS_PER_FRAME
    book = predictions.select(
        "id",
        pl.col("at").to_physical(),
        pl.Series("record", locations[: predictions.height], dtype=pl.Int64),
        pl.when(pl.col("shadow_output").is_null()).then("shadow_version").alias("unscored"),
    ).join(
        outcomes.select("id", pl.Series("outcome", locations[predictions.height :], dtype=pl.Int64)),
        on="id",
        how="left",
        maintain_order="left",
    )
    book.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()).write_parquet(folder / INDEX_FILE)


def _predictions(project: Project, lake: Lake, since: datetime) -> pl.DataFrame:
    """The predictions with what their shadow answered; null where it has not been scored yet."""
    names = [*dict.fromkeys([*_LOGGED_FIELDS, *(field.name for field in request_fields(project))])]
    if not PREDICTIONS.exists(lake):
        return pl.DataFrame(schema={**PREDICTIONS.schema(project), "shadow_output": pl.Null})
    predictions = PREDICTIONS.read(lake, since=since, columns=names).sort("at", "id")
    if not SHADOWS.exists(lake):
        return predictions.with_columns(shadow_output=pl.lit(None))
    shadows = SHADOWS.read(lake, since=since, columns=["id", "output"]).rename({"output": "shadow_output"})
    return predictions.join(shadows.unique("id", keep="last"), on="id", how="left", maintain_order="left")


def _outcomes(lake: Lake, since: datetime) -> pl.DataFrame:
    """Of each prediction made since then the last outcome that counts, if there is one."""
    if not OUTCOMES.exists(lake):
        return pl.DataFrame(schema={"id": pl.String})
    counted = OUTCOMES.read(lake, since=since).filter(
        pl.col("verdict").is_in([*COUNTED]), pl.col("predicted_at") >= since
    )
    return counted.sort("known_at", maintain_order=True).unique("id", keep="last", maintain_order=True)


def _prediction_records(project: Project, predictions: pl.DataFrame) -> Iterator[PredictionRecord]:
    names = [field.name for field in request_fields(project)]
    for row in predictions.iter_rows(named=True):
        answer = {name: row[name] for name in _ANSWER_FIELDS}
        missing = msgspec.json.decode(row["missing"] or "{}")
        yield PredictionRecord(**answer, request={name: row[name] for name in names}, features={}, missing=missing)


def _records(project: Project, outcomes: pl.DataFrame) -> Iterator[OutcomeRecord]:
    names = [field.name for field in outcome_fields(project)]
    for row in outcomes.iter_rows(named=True):
        yield OutcomeRecord(row["id"], row["known_at"], row["verdict"], {name: row[name] for name in names}, None)
