"""Predictions and outcomes that reach different machines, which share a lake: each counts once, whoever wrote it.

A server knows the predictions of its own machine. What it could not know is settled here, by all that the lake holds,
under the lock of the intake, which one machine at a time has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from mlops_lab import clock
from mlops_lab.intake.digests import write_digests
from mlops_lab.intake.unfit import set_record_aside
from mlops_lab.journal.records import OutcomeRecord, PredictionRecord, Record, SetAsideRecord
from mlops_lab.lake import Lake
from mlops_lab.outcomes.id_index import LoggedIds
from mlops_lab.outcomes.judge import judge
from mlops_lab.project import Project
from mlops_lab.tables.declared import LOG_DIGESTS, OUTCOMES, PREDICTIONS
from mlops_lab.tables.fields import outcome_fields
from mlops_lab.tables.verdict import COUNTED, Verdict

WRITER = "judged elsewhere"
"""The writer of the outcomes that are judged here, in the tables' positions."""
_PREDICTION = {"at": "predicted_at"}


def settle(
    project: Project,
    lake: Lake,
    records: Sequence[tuple[int, Record]],
    aside: list[tuple[int, SetAsideRecord]],
    *,
    reached: int,
) -> list[tuple[int, Record]]:
    """The records after `reached` without those that another machine has brought before; what is before it, as it is.

    A prediction whose id another server had answered first is set aside. An outcome that is a second one does not
    count: the same again is left out, another one is a conflict.
    """
    logged, kept = LoggedIds(project.ids_path), list[tuple[int, Record]]()
    accepted = [record.id for _, record in records if isinstance(record, OutcomeRecord) and _is_first(record)]
    second = _counted(lake, [name for name in accepted if name in logged.outcomes])
    for position, record in records:
        if position <= reached:
            kept.append((position, record))
        elif isinstance(record, PredictionRecord) and record.id in logged.predictions:
            reason = "another server answered this id before"
            aside.append((position, set_record_aside(record, PREDICTIONS.name, reason)))
        elif isinstance(record, OutcomeRecord) and _is_first(record) and record.id in second:
            if not logged.has_outcome(record.id, record.values):
                conflict = msgspec.structs.replace(record, verdict=str(Verdict.CONFLICT), prediction=None)
                kept.append((position, conflict))
        else:
            kept.append((position, record))
    return kept


def _is_first(record: OutcomeRecord) -> bool:
    """Whether its server took the outcome as the first of its prediction."""
    return record.verdict == Verdict.ACCEPTED


def _counted(lake: Lake, names: Sequence[str]) -> set[str]:
    """Those of the predictions that have an outcome that counts."""
    if not names:
        return set()
    rows = OUTCOMES.read(lake, columns=["id", "verdict"])
    return {*rows.filter(pl.col("id").is_in(names), pl.col("verdict").is_in([*COUNTED]))["id"]}


def judge_unknown(project: Project, lake: Lake) -> int:
    """Judge the outcomes again that a server took without knowing their prediction, now that another machine may have
    brought it; how many were judged. The row that says `unknown` stays: a row with the verdict follows it."""
    waiting = _waiting(project, lake)
    if waiting.is_empty():
        return 0
    within = timedelta(days=project.settings.source.outcome_within_days)
    predictions = PREDICTIONS.read(lake).filter(pl.col("id").is_in(waiting["id"].implode())).unique("id", keep="first")
    found = waiting.join(predictions.rename(_PREDICTION).drop("received_at", strict=False), on="id").sort("known_at")
    verdicts = list(_verdicts(found, [field.name for field in outcome_fields(project)], within=within))
    now = clock.now() if project.settings.project.clock == "wall" else None
    judged = found.with_columns(
        pl.Series("verdict", verdicts, dtype=pl.String),
        received_at=pl.max_horizontal("known_at", "received_at", pl.lit(now, pl.Datetime("us", "UTC"))),
    ).filter(pl.col("verdict") != Verdict.DUPLICATE)
    names = [name for name in (*OUTCOMES.schema(project), *lake.schema(OUTCOMES.name)) if name in judged.columns]
    rows = judged.select(list(dict.fromkeys(names)))
    if rows.height:
        last = lake.position(OUTCOMES.name, WRITER) + 1
        if LOG_DIGESTS.exists(lake):
            write_digests(lake, {OUTCOMES.name: rows}, writer=WRITER, first=last - 1, last=last)
        OUTCOMES.append(lake, rows, position=(WRITER, last))
    return rows.height


def _waiting(project: Project, lake: Lake) -> pl.DataFrame:
    """The outcomes of the last days without a prediction, whose id is that of one by now, and that were not judged."""
    if not (OUTCOMES.exists(lake) and PREDICTIONS.exists(lake)):
        return pl.DataFrame()
    moments = [file.greatest for file in lake.bounds(OUTCOMES.name, OUTCOMES.time) if file.greatest is not None]
    if not moments:
        return pl.DataFrame()
    since = max(moments) - 2 * timedelta(days=project.settings.source.outcome_within_days)
    seen = OUTCOMES.read(lake, since=since, columns=["id", "verdict"])
    unknown = seen.filter(pl.col("verdict") == Verdict.UNKNOWN)["id"].unique()
    unknown = unknown.filter(~unknown.is_in(seen.filter(pl.col("verdict") != Verdict.UNKNOWN)["id"].implode()))
    logged = LoggedIds(project.ids_path)
    ids = [name for name in unknown if name in logged.predictions]
    if not ids:
        return pl.DataFrame()
    values = [field.name for field in outcome_fields(project)]
    rows = OUTCOMES.read(lake, since=since, columns=["id", "known_at", "received_at", "verdict", *values])
    return rows.filter(pl.col("id").is_in(ids))


def _verdicts(found: pl.DataFrame, values: Sequence[str], *, within: timedelta) -> Iterator[str]:
    """The verdict on each outcome, which come in the order in which they became known."""
    counts: dict[str, tuple[datetime, dict[str, Any]]] = {}
    for row in found.iter_rows(named=True):
        content = {name: row[name] for name in values if name in row}
        verdict = judge(row["known_at"], content, predicted_at=row["predicted_at"], earlier=counts.get(row["id"]))
        if verdict is Verdict.ACCEPTED and row["known_at"] - row["predicted_at"] > within:
            verdict = Verdict.TOO_LATE
        if verdict in COUNTED:
            counts[row["id"]] = (row["known_at"], content)
        yield str(verdict)
