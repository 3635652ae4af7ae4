"""From data files and from the journal into the lake, each row exactly once."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from mlops_lab.contracts.fields import Field, polars_schema
from mlops_lab.contracts.tables import SetAside, breaches_of, explain_breaches, sort_out
from mlops_lab.errors import InvalidInput
from mlops_lab.lake import Lake
from mlops_lab.loop.complete import check_appended, complete_source
from mlops_lab.loop.quarantine import TABLE as QUARANTINE
from mlops_lab.loop.quarantine import make_frame, set_aside
from mlops_lab.loop.read import read_table
from mlops_lab.project import Project
from mlops_lab.serving.deployment import write_atomically
from mlops_lab.serving.journal import disk_fault, read_journal, read_positions, worker_paths
from mlops_lab.serving.records import (
    FactRecord,
    OutcomeRecord,
    PredictionRecord,
    RefusalRecord,
    SetAsideRecord,
    ShadowRecord,
    decode_frame,
)
from mlops_lab.training.history import (
    OUTCOMES,
    PREDICTIONS,
    REFUSALS,
    SHADOWS,
    outcome_fields,
    request_fields,
    table_fields,
)
from mlops_lab.training.task import make_task

_MOMENT = pl.Datetime("us", "UTC")


# ---- data files ----------------------------------------------------------------------------------------------------


def load_sources(project: Project, lake: Lake, *, now: datetime, received_at: datetime) -> bool:
    """Bring the project's data into the lake: all tables are checked before the first is written.

    A table that exists gets the rows whose key it does not hold yet; rows it holds are left as they are. What a first
    load brings was received when it was known; what comes later, at `received_at`. True if something came later.
    Ids and moments that the source's data lacks are made for it, as of `now`: see `complete_source`.

    Rows that break the contract are set aside; InvalidInput, and nothing is loaded, where too many of a file do.
    """
    source = project.settings.source
    keys: dict[str, tuple[list[str], str | None]] = {source.table: ([source.id], source.known_at)}
    for name, table in project.settings.tables.items():
        keys[name] = ([*table.key, *([table.known_at] if table.known_at else [])], table.known_at)
    fields = table_fields(project)
    checked, aside = {}, {}
    for name, (key, known_at) in keys.items():
        frame = read_table(project, name)
        if name == source.table:
            frame = complete_source(project, frame, now=now)
        order = known_at if name in project.settings.tables and project.settings.tables[name].monotone else None
        checked[name], aside[name] = sort_out(frame, fields[name], table=name, key=key, order=order)
        if len(aside[name]) > project.settings.contract.max_quarantined_share * frame.height:
            raise explain_breaches(breaches_of(name, aside[name]))
    _check_order(project, checked[source.table])
    check_appended(project, lake, checked[source.table])
    for name, rows in aside.items():
        if rows:
            set_aside(lake, received_at, table=name, rows=rows)
    later = False
    for name, (key, known_at) in keys.items():
        frame = checked[name]
        if lake.exists(name):
            frame = frame.join(lake.read(name, columns=key), on=key, how="anti", maintain_order="left")
            frame = frame.with_columns(pl.lit(received_at, _MOMENT).alias("received_at"))
            later = later or frame.height > 0
        if frame.height or not lake.exists(name):
            lake.append(name, frame, time=known_at)
    return later


def _check_order(project: Project, frame: pl.DataFrame) -> None:
    source = project.settings.source
    early = frame[source.known_at] < frame[source.time]
    if early.any():
        row = int(early.arg_max() or 0)
        raise InvalidInput(
            f"the outcome of {frame[source.id][row]!r} was known before it was asked for",
            code="outcome_too_early",
            where=f'table "{source.table}", row {row}, column "{source.known_at}"',
            hint="give the moment at which the truth became known; nothing was loaded",
        )


# ---- the journal ---------------------------------------------------------------------------------------------------


def ingest_journal(project: Project, lake: Lake) -> tuple[int, ...]:
    """Move what the server acknowledged since the last time into the lake; the position reached in each worker's
    journal.

    Each table remembers the position of its last row in its own commit, so a kill between two tables neither loses
    nor doubles a row. `predictions` is written last, also when it gets no rows: its position says all is done.
    """
    with _alone(project):
        paths = worker_paths(project.journal_path)
        positions = tuple(_ingest(project, lake, path, writer=writer_of(worker)) for worker, path in enumerate(paths))
        if positions != read_positions(project.positions_path):
            try:
                write_atomically(project.positions_path, msgspec.json.encode(positions), durable=False)
            except OSError as error:
                raise disk_fault(error, project.positions_path) from error
        return positions


def writer_of(worker: int) -> str:
    """The name under which tables remember how far a worker's journal is in them."""
    return "journal" if worker == 0 else f"journal-{worker}"


@contextmanager
def _alone(project: Project) -> Iterator[None]:
    """One process at a time: two that read the same frames would both append them."""
    try:
        project.home.mkdir(exist_ok=True)
        with (project.home / "ingest.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise disk_fault(error, project.home) from error


def _ingest(project: Project, lake: Lake, path: Path, *, writer: str) -> int:
    since = lake.position(PREDICTIONS, writer)
    records = [(lsn, record) for lsn, payload in read_journal(path, since) for record in decode_frame(payload)]
    if not records:
        return since
    end = records[-1][0]
    outcomes = [(lsn, record) for lsn, record in records if isinstance(record, OutcomeRecord)]
    facts: dict[str, list[tuple[int, Any]]] = {}
    for lsn, record in records:
        if isinstance(record, FactRecord):
            row = record.row if record.received_at is None else {**record.row, "received_at": record.received_at}
            facts.setdefault(record.table, []).append((lsn, row))
    fields = table_fields(project)
    broken = [(lsn, record) for lsn, record in records if isinstance(record, SetAsideRecord)]
    refusals = [(lsn, record) for lsn, record in records if isinstance(record, RefusalRecord)]
    shadows = [(lsn, record) for lsn, record in records if isinstance(record, ShadowRecord)]
    work = [
        (OUTCOMES, outcomes, lambda rows: _outcome_frame(project, rows), "known_at"),
        (REFUSALS, refusals, lambda rows: _refusal_frame(project, rows), "at"),
        (SHADOWS, shadows, lambda rows: _shadow_frame(project, rows), "at"),
        (QUARANTINE, broken, _set_aside_frame, "at"),
    ]
    for name, rows in facts.items():
        work.append((name, rows, _fact_framer(fields[name]), project.settings.tables[name].known_at or ""))
    with ThreadPoolExecutor(max_workers=4) as pool:  # delta-rs works outside the GIL
        list(pool.map(lambda item: _append_new(lake, *item, position=(writer, end)), work))
    predictions = [record for _, record in records if isinstance(record, PredictionRecord)]
    lake.append(
        PREDICTIONS,
        _prediction_frame(project, predictions, known=lake.schema(PREDICTIONS)),
        time="at",
        position=(writer, end),
    )
    return end


def _append_new(
    lake: Lake,
    name: str,
    rows: Sequence[tuple[int, Any]],
    frame: Callable[[list[Any]], pl.DataFrame],
    time: str,
    *,
    position: tuple[str, int],
) -> None:
    done = lake.position(name, position[0])
    new = [row for lsn, row in rows if lsn > done]
    if new:
        lake.append(name, frame(new), time=time or None, position=position)


def _fact_framer(fields: tuple[Field, ...]) -> Callable[[list[dict[str, Any]]], pl.DataFrame]:
    def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
        late = {"received_at": _MOMENT} if any("received_at" in row for row in rows) else {}
        return pl.DataFrame(rows, schema={**polars_schema(fields), **late})

    return frame


_ANSWER = ("version", "role", "output", "shadow_version")
_FEATURE_DTYPES = {str: pl.String(), datetime: _MOMENT, bool: pl.Boolean()}


def _answer_schema(project: Project) -> dict[str, Any]:
    output = make_task(project.task).output_dtype
    return dict(zip(_ANSWER, (pl.Int64(), pl.String(), output, pl.Int64()), strict=True))


def _prediction_frame(
    project: Project, records: Sequence[PredictionRecord], *, known: dict[str, pl.DataType]
) -> pl.DataFrame:
    """One row a prediction. A feature keeps the type it has in the table (`known`), so that a batch in which it is
    null throughout does not change it; numbers are stored as floats."""
    columns: dict[str, list[Any]] = {"id": [record.id for record in records], "at": [record.at for record in records]}
    columns |= {name: [getattr(record, name) for record in records] for name in _ANSWER}
    columns["missing"] = [_reasons(record.missing) for record in records]
    schema: dict[str, Any] = {"id": pl.String(), "at": _MOMENT, **_answer_schema(project), "missing": pl.String()}
    schema |= polars_schema(request_fields(project))
    for name in (field.name for field in request_fields(project)):
        columns[name] = [record.request[name] for record in records]
    features = dict.fromkeys(name for record in records for name in record.features if name not in columns)
    for name in features:
        columns[name] = values = [record.features.get(name) for record in records]
        example = next((value for value in values if value is not None), None)
        schema[name] = known.get(name) or _FEATURE_DTYPES.get(type(example), pl.Float64())
    return pl.DataFrame(columns, schema=schema, strict=False)


def _reasons(missing: dict[str, str]) -> str | None:
    """The views that knew nothing of a request, and why, as JSON text; None where all did."""
    return msgspec.json.encode(missing).decode() if missing else None


def _shadow_frame(project: Project, records: Sequence[ShadowRecord]) -> pl.DataFrame:
    columns = {name: [getattr(record, name) for record in records] for name in ("id", "at", "version", "output")}
    output = make_task(project.task).output_dtype
    return pl.DataFrame(columns, schema={"id": pl.String(), "at": _MOMENT, "version": pl.Int64(), "output": output})


def _refusal_frame(project: Project, records: Sequence[RefusalRecord]) -> pl.DataFrame:
    names = ("id", "at", "version", "view", "reason")
    columns: dict[str, list[Any]] = {name: [getattr(record, name) for record in records] for name in names}
    for name in (field.name for field in request_fields(project)):
        columns[name] = [record.request[name] for record in records]
    text = dict.fromkeys(("view", "reason"), pl.String())
    schema = {"id": pl.String(), "at": _MOMENT, "version": pl.Int64(), **text, **polars_schema(request_fields(project))}
    return pl.DataFrame(columns, schema=schema)


def _set_aside_frame(records: Sequence[SetAsideRecord]) -> pl.DataFrame:
    return make_frame([(one.at, one.table, SetAside(one.rule, one.column, one.text, one.row)) for one in records])


def _outcome_frame(project: Project, records: Sequence[OutcomeRecord]) -> pl.DataFrame:
    made = [record.prediction for record in records]
    columns: dict[str, list[Any]] = {
        "id": [record.id for record in records],
        "known_at": [record.known_at for record in records],
        "received_at": [record.received_at for record in records],
        "verdict": [record.verdict for record in records],
        "predicted_at": [prediction and prediction.at for prediction in made],
    }
    for name in project.settings.source.outcome:
        columns[name] = [record.values[name] for record in records]
    for name in (*_ANSWER, "shadow_output"):
        columns[name] = [prediction and getattr(prediction, name) for prediction in made]
    for name in (field.name for field in request_fields(project)):
        columns[name] = [prediction and prediction.request[name] for prediction in made]
    schema: dict[str, Any] = {"id": pl.String(), "known_at": _MOMENT, "received_at": _MOMENT, "verdict": pl.String()}
    schema["predicted_at"] = _MOMENT
    schema |= {**polars_schema(outcome_fields(project)), **_answer_schema(project)}
    schema["shadow_output"] = schema["output"]
    schema |= polars_schema(request_fields(project))
    return pl.DataFrame(columns, schema=schema)
