"""Predictions: everything behind one of them, by its id, and its answer once more; those of a day, of a version or of a
key; else the newest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from mlops_lab.clock import day_of, day_start, days_after
from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.lineage.explain import describe_prediction, explain
from mlops_lab.lineage.logged_rows import UNKNOWN_PREDICTION
from mlops_lab.lineage.records import PredictionLineage
from mlops_lab.lineage.replay import explain_difference, replay_prediction
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.tables.declared import MEASUREMENTS, PREDICTIONS
from mlops_lab.web.view import Content, Source, View, version_number

SHOWN = 20
_ROUNDED_UP = timedelta(milliseconds=1)
"""By how much the greatest value of a file may be above it."""
_TABLES = ("request", "features")
"""What of a prediction has a table of its own."""
_COLUMNS = ["id", "at", "version", "role", "output"]


def query(source: Source, asked: Mapping[str, str]) -> Content:
    """The prediction of `id`, with `replay` answered again, by the version `with`, too; the newest ones of the day `on`
    (else of the last one with predictions), with `key` those of a key, with `version` those of a version, which has a
    last day of its own."""
    id_, version, key, on = (asked.get(name, "").strip() for name in ("id", "version", "key", "on"))
    day = _day(source, on) if on else _last_day(source, version)
    content: Content = {
        "id": id_,
        "version": version,
        "key": key,
        "key_field": source.project.settings.source.key,
        "on": on,
        "day_text": day.astimezone(ZoneInfo(source.project.timezone)).date().isoformat() if day is not None else "",
        "newest": _newest(source, day, version=version, key=key) if day is not None else [],
        "lines": [],
        "replayed": None,
    }
    if id_:
        lineage = _explain(source, id_)
        content |= {
            "lineage": lineage,
            "lines": [line for line in describe_prediction(lineage) if line[0] not in _TABLES],
        }
        content |= {"others": _other_versions(source, lineage.version.number), "with": asked.get("with", "").strip()}
        if asked.get("replay"):
            content |= _replay(source, id_, content["with"])
    return content


def _explain(source: Source, id_: str) -> PredictionLineage:
    """Everything behind a prediction. NotFound where the lake has none of this id; a server may have answered it."""
    try:
        return explain(source.project, id_, takes_in=False)
    except NotFound as error:
        if error.code != UNKNOWN_PREDICTION:
            raise
        hint = f"{error.hint}; what a server has answered is here after the next tick of the loop (`mlops tick`)"
        raise NotFound(error.what, code=error.code, where=error.where, hint=hint) from error


def _other_versions(source: Source, number: int) -> list[int]:
    """The versions that may be asked, too, the newest first."""
    recorded = {item.version for item in read_decisions(source.lake) if "package" in item.evidence}
    return sorted((other for other in recorded if other is not None and other != number), reverse=True)


def _replay(source: Source, id_: str, other: str) -> Content:
    """The prediction answered again, and why it may not be answered as it was logged."""
    number = version_number(other) if other else None
    replayed = replay_prediction(source.project, id_, other=number, takes_in=False)
    names = dict.fromkeys(
        [*(each.name for each in replayed.inputs), *(replayed.other.inputs if replayed.other else ())]
    )
    by_name = {each.name: each for each in replayed.inputs}
    return {
        "replayed": replayed,
        "inputs": [(name, by_name.get(name)) for name in names],
        "why": None if replayed.equal else explain_difference(source.project),
    }


def _day(source: Source, on: str) -> datetime:
    try:
        return day_start(date.fromisoformat(on), source.project.timezone)
    except ValueError:
        raise InvalidInput(f'"{on}" is no day', code="bad_day", where="on", hint="write it as 2026-01-31") from None


def _last_day(source: Source, version: str) -> datetime | None:
    """The last day with predictions; of a version, the last one that was measured."""
    if version:
        return _last_measured_day(source, version)
    bounds = source.lake.bounds(PREDICTIONS.name, "at") if PREDICTIONS.exists(source.lake) else []
    newest = max((file.greatest for file in bounds if isinstance(file.greatest, datetime)), default=None)
    if newest is None:
        return None
    return day_of(newest - _ROUNDED_UP, source.project.timezone)


def _last_measured_day(source: Source, version: str) -> datetime | None:
    if not MEASUREMENTS.exists(source.lake):
        return None
    days = MEASUREMENTS.read(source.lake).filter(
        pl.col("monitor") == "volume",
        pl.col("name") == "predictions",
        pl.col("value") > 0,
        pl.col("version").cast(pl.String) == version,
    )
    if days.is_empty():
        return None
    end, hours = days.sort("at").select("at", "window_hours").row(-1)
    return day_of(end - timedelta(hours=hours), source.project.timezone)


def _newest(source: Source, day: datetime, *, version: str, key: str) -> list[dict[str, object]]:
    if not PREDICTIONS.exists(source.lake):
        return []
    field = source.project.settings.source.key
    columns = [*_COLUMNS, field] if field and field not in _COLUMNS else _COLUMNS
    end = days_after(day, 1, source.project.timezone)
    rows = PREDICTIONS.read(source.lake, columns=columns, since=day, before=end)
    if version:
        rows = rows.filter(pl.col("version").cast(pl.String) == version)
    if key and field:
        rows = rows.filter(pl.col(field).cast(pl.String) == key)
    return rows.sort("at", descending=True).head(SHOWN).to_dicts()


VIEW = View(name="predictions", title="Predictions", command="mlops explain ID", query=query)
