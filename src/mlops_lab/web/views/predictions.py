"""Predictions: everything behind one of them, by its id; without an id, the newest ones, of a version if asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import polars as pl

from mlops_lab.lineage.explain import describe_prediction, explain
from mlops_lab.tables.declared import MEASUREMENTS, PREDICTIONS
from mlops_lab.web.view import Content, Source, View

SHOWN = 20
_FILES = 4
_COLUMNS = ["id", "at", "version", "role", "output"]


def query(source: Source, asked: Mapping[str, str]) -> Content:
    """The prediction of `id`, or the newest ones, with `version` those of a version."""
    id_, version = asked.get("id", "").strip(), asked.get("version", "").strip()
    content: Content = {"id": id_, "version": version, "newest": _newest(source, version), "lines": []}
    if id_:
        lineage = explain(source.project, id_, takes_in=False)
        content |= {"lineage": lineage, "lines": describe_prediction(lineage)}
    return content


def _newest(source: Source, version: str) -> list[dict[str, object]]:
    """The newest predictions of the files that reach furthest, or of the last measured day on which the version
    answered; the newest first."""
    if not PREDICTIONS.exists(source.lake):
        return []
    if version:
        return _newest_of(source, version)
    files = source.lake.bounds(PREDICTIONS.name, "at")
    newest = sorted((file for file in files if file.greatest), key=lambda file: str(file.greatest))[-_FILES:]
    parts = list(source.lake.read_files(PREDICTIONS.name, [file.path for file in newest], columns=_COLUMNS))
    return pl.concat(parts).sort("at", descending=True).head(SHOWN).to_dicts() if parts else []


def _newest_of(source: Source, version: str) -> list[dict[str, object]]:
    is_of_version = pl.col("version").cast(pl.String) == version
    if not MEASUREMENTS.exists(source.lake):
        return []
    days = MEASUREMENTS.read(source.lake).filter(
        pl.col("monitor") == "volume", pl.col("name") == "predictions", pl.col("value") > 0, is_of_version
    )
    if days.is_empty():
        return []
    end, hours = days.sort("at").select("at", "window_hours").row(-1)
    rows = PREDICTIONS.read(source.lake, columns=_COLUMNS, since=end - timedelta(hours=hours), before=end)
    return rows.filter(is_of_version).sort("at", descending=True).head(SHOWN).to_dicts()


VIEW = View(name="predictions", title="Predictions", command="mlops explain ID", query=query)
