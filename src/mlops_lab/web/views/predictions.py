"""Predictions: everything behind one of them, by its id; without an id, the newest ones."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from mlops_lab.lineage.explain import describe_prediction, explain
from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.web.view import Content, Source, View

SHOWN = 20
_FILES = 4
_COLUMNS = ["id", "at", "version", "role", "output"]


def query(source: Source, asked: Mapping[str, str]) -> Content:
    """The prediction of `id`, or the newest ones."""
    id_ = asked.get("id", "").strip()
    content: Content = {"id": id_, "newest": _newest(source), "lines": []}
    if id_:
        lineage = explain(source.project, id_, takes_in=False)
        content |= {"lineage": lineage, "lines": describe_prediction(lineage)}
    return content


def _newest(source: Source) -> list[dict[str, object]]:
    """The newest predictions of the files that reach furthest, the newest first."""
    if not PREDICTIONS.exists(source.lake):
        return []
    files = source.lake.bounds(PREDICTIONS.name, "at")
    newest = sorted((file for file in files if file.greatest), key=lambda file: str(file.greatest))[-_FILES:]
    parts = list(source.lake.read_files(PREDICTIONS.name, [file.path for file in newest], columns=_COLUMNS))
    return pl.concat(parts).sort("at", descending=True).head(SHOWN).to_dicts() if parts else []


VIEW = View(name="predictions", title="Predictions", command="mlops explain ID", query=query)
