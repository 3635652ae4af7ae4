"""Records of the journal as rows of the tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from mlops_lab.contracts.fields import Field, polars_schema
from mlops_lab.contracts.tables import SetAside
from mlops_lab.intake.quarantine import make_frame
from mlops_lab.journal.records import OutcomeRecord, PredictionRecord, RefusalRecord, SetAsideRecord, ShadowRecord
from mlops_lab.project import Project
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS, REFUSALS, SHADOWS
from mlops_lab.tables.fields import request_fields
from mlops_lab.tables.table import MOMENT

_ANSWER_FIELDS = ("version", "role", "output", "shadow_version")
_FEATURE_DTYPES = {str: pl.String(), datetime: MOMENT, bool: pl.Boolean()}


def fact_frame(fields: tuple[Field, ...], rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a table that the project declares; with `received_at` where one of them was received late."""
    received = {"received_at": MOMENT} if any("received_at" in row for row in rows) else {}
    return pl.DataFrame(rows, schema={**polars_schema(fields), **received})


def prediction_frame(
    project: Project, records: Sequence[PredictionRecord], *, known: dict[str, pl.DataType]
) -> pl.DataFrame:
    """One row a prediction. A feature keeps the type it has in the table (`known`), so that a batch in which it is
    always null does not change it; numbers are stored as floats."""
    columns: dict[str, list[Any]] = {"id": [record.id for record in records], "at": [record.at for record in records]}
    columns |= {name: [getattr(record, name) for record in records] for name in _ANSWER_FIELDS}
    columns["missing"] = [_reasons(record.missing) for record in records]
    schema: dict[str, Any] = PREDICTIONS.schema(project)
    columns |= _requests(project, [record.request for record in records])
    features = dict.fromkeys(name for record in records for name in record.features if name not in columns)
    for name in features:
        columns[name] = values = [record.features.get(name) for record in records]
        example = next((value for value in values if value is not None), None)
        schema[name] = known.get(name) or _FEATURE_DTYPES.get(type(example), pl.Float64())
    return pl.DataFrame(columns, schema=schema, strict=False)


def shadow_frame(project: Project, records: Sequence[ShadowRecord]) -> pl.DataFrame:
    """One row for each request that a version in shadow scored."""
    columns = {name: [getattr(record, name) for record in records] for name in ("id", "at", "version", "output")}
    return pl.DataFrame(columns, schema=SHADOWS.schema(project))


def refusal_frame(project: Project, records: Sequence[RefusalRecord]) -> pl.DataFrame:
    """One row for each request that got no answer."""
    names = ("id", "at", "version", "view", "reason")
    columns: dict[str, list[Any]] = {name: [getattr(record, name) for record in records] for name in names}
    columns |= _requests(project, [record.request for record in records])
    return pl.DataFrame(columns, schema=REFUSALS.schema(project))


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
    for name in project.settings.source.outcome:
        columns[name] = [record.values[name] for record in records]
    for name in (*_ANSWER_FIELDS, "shadow_output"):
        columns[name] = [prediction and getattr(prediction, name) for prediction in predictions]
    columns |= _requests(project, [prediction.request if prediction else None for prediction in predictions])
    return pl.DataFrame(columns, schema=OUTCOMES.schema(project))


def _requests(project: Project, requests: Sequence[dict[str, Any] | None]) -> dict[str, list[Any]]:
    """The request fields as columns; null where there is no request."""
    names = [field.name for field in request_fields(project)]
    return {name: [request and request[name] for request in requests] for name in names}


def _reasons(missing: dict[str, str]) -> str | None:
    """The views that had no values for a request, and why, as JSON text; None where all had some."""
    return msgspec.json.encode(missing).decode() if missing else None
