"""Records of the journal as rows of the tables.

A record holds its values by name and with their types, as they were when it was written. Since then the project may
have declared other fields: every value gets into a column, of the declared type where it fits, else of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

from mlops_lab.contracts.fields import Field, polars_schema
from mlops_lab.contracts.tables import SetAside
from mlops_lab.intake.quarantine import make_frame
from mlops_lab.journal.records import (
    FactRecord,
    OutcomeRecord,
    PredictionRecord,
    RefusalRecord,
    SetAsideRecord,
    ShadowRecord,
)
from mlops_lab.project import Project
from mlops_lab.schemas.casts import MOMENT, make_column
from mlops_lab.tables.arrival import Arrival
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS, REFUSALS, SHADOWS
from mlops_lab.tables.fields import outcome_fields, request_fields
from mlops_lab.tables.log_columns import LOG_COLUMNS, feature_column

_ANSWER_FIELDS = ("version", "role", "output", "shadow_version")
_NUMBERS = {int, float, type(None)}


def fact_frame(fields: Sequence[Field], records: Sequence[FactRecord]) -> pl.DataFrame:
    """Rows of a table with these fields, and how they arrived (`received_at`, `received_as`)."""
    rows = [{**record.row, "received_at": record.received_at, "received_as": _arrival(record)} for record in records]
    defaults = {field.name: field.default for field in fields if field.default is not None}
    columns = _by_name([{**defaults, **row} for row in rows], [field.name for field in fields])
    return _make_frame(columns, {"received_at": MOMENT, "received_as": pl.String(), **polars_schema(tuple(fields))})


def prediction_frame(
    project: Project, records: Sequence[PredictionRecord], *, known: Mapping[str, pl.DataType]
) -> pl.DataFrame:
    """One row a prediction. A feature keeps the type it has in the table (`known`), so that a batch in which it is
    always null does not change it; numbers are stored as floats."""
    columns: dict[str, list[Any]] = {"id": [record.id for record in records], "at": [record.at for record in records]}
    columns |= {name: [getattr(record, name) for record in records] for name in _ANSWER_FIELDS}
    columns["missing"] = [_reasons(record.missing) for record in records]
    columns |= _requests(project, [{**record.request, **_logged_features(record)} for record in records])
    computed = {name for record in records for name in record.features if name not in record.request}
    numbers = {name: pl.Float64() for name, values in columns.items() if {*map(type, values)} <= _NUMBERS}
    declared = {name: dtype for name, dtype in PREDICTIONS.schema(project).items() if name not in computed}
    return _make_frame(columns, {**numbers, **known, **declared})


def _logged_features(record: PredictionRecord) -> dict[str, Any]:
    """The features by the columns of the log that hold them. Servers write these; older ones wrote the names of the
    features, even where a request field or a column of the log had that name."""
    features: dict[str, Any] = record.features
    taken = [name for name in features if name in record.request or name in LOG_COLUMNS]
    if not taken:
        return features
    return {feature_column(name, (name,)) if name in taken else name: value for name, value in features.items()}


def shadow_frame(project: Project, records: Sequence[ShadowRecord]) -> pl.DataFrame:
    """One row for each request that a version in shadow scored."""
    columns = {name: [getattr(record, name) for record in records] for name in ("id", "at", "version", "output")}
    return _make_frame(columns, SHADOWS.schema(project))


def refusal_frame(project: Project, records: Sequence[RefusalRecord]) -> pl.DataFrame:
    """One row for each request that got no answer."""
    names = ("id", "at", "version", "view", "reason")
    columns: dict[str, list[Any]] = {name: [getattr(record, name) for record in records] for name in names}
    columns |= _requests(project, [record.request for record in records])
    return _make_frame(columns, REFUSALS.schema(project))


def set_aside_frame(records: Sequence[SetAsideRecord]) -> pl.DataFrame:
    """One row for each row that was set aside."""
    return make_frame(
        [(record.at, record.table, SetAside(record.rule, record.column, record.text, record.row)) for record in records]
    )


def outcome_frame(project: Project, records: Sequence[OutcomeRecord]) -> pl.DataFrame:
    """One row an outcome, with its prediction where it was accepted."""
    predictions = [record.prediction for record in records]
    columns: dict[str, list[Any]] = {
        "id": [record.id for record in records],
        "known_at": [record.known_at for record in records],
        "received_at": [record.received_at for record in records],
        "verdict": [record.verdict for record in records],
        "predicted_at": [prediction and prediction.at for prediction in predictions],
    }
    columns |= _by_name([record.values for record in records], [field.name for field in outcome_fields(project)])
    for name in (*_ANSWER_FIELDS, "shadow_output"):
        columns[name] = [prediction and getattr(prediction, name) for prediction in predictions]
    columns |= _requests(project, [prediction.request if prediction else {} for prediction in predictions])
    return _make_frame(columns, OUTCOMES.schema(project))


def _arrival(record: FactRecord) -> str:
    return str(Arrival.SENT if record.corrected is None else Arrival.SENT_CORRECTION)


def _requests(project: Project, requests: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The request fields as columns: those that are declared, then others that a request had."""
    return _by_name(requests, [field.name for field in request_fields(project)])


def _by_name(rows: Sequence[Mapping[str, Any]], first: Sequence[str] = ()) -> dict[str, list[Any]]:
    """The values of some rows by column; null where a row has none. The columns named in `first` come first."""
    names = dict.fromkeys(first)
    for row in rows:
        names.update(dict.fromkeys(row))
    return {name: [row.get(name) for row in rows] for name in names}


def _make_frame(columns: Mapping[str, Sequence[Any]], types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The columns as a frame; each of the type named, where that holds all its values, else of its own."""
    return pl.DataFrame([make_column(name, values, types.get(name)) for name, values in columns.items()])


def _reasons(missing: dict[str, str]) -> str | None:
    """The views that had no values for a request, and why, as JSON text; None where all had some."""
    return msgspec.json.encode(missing).decode() if missing else None
