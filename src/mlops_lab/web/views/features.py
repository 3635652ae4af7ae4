"""Features: how each input of the live version is defined, how much it matters, and how far it has moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from mlops_lab.errors import NotFound
from mlops_lab.features.definition import Features
from mlops_lab.features.view import View as FeatureView
from mlops_lab.loop.joined_outcomes import task_of
from mlops_lab.loop.measure_day import read_profiles
from mlops_lab.loop.trainings import read_champion
from mlops_lab.loop.triggers.drift import moved_shares
from mlops_lab.monitoring.measure import as_known_now, measurements_of
from mlops_lab.registry.package import load_plan
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import fold
from mlops_lab.rollout.versions import find_version, package_folder
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.web.feature_charts import compare_bins, draw_bins, draw_drift
from mlops_lab.web.view import Content, Source, View

SPARK_DAYS = 60


@dataclass(frozen=True)
class InputRow:
    """An input: its definition; how much higher the loss is where its values are shuffled (None: not recorded); its
    drift (PSI) on the last measured day, and which share of its values has moved then at most (None: not measured);
    and its drift by day."""

    name: str
    definition: str
    importance: float | None
    drift: float | None
    moved: float | None
    days: list[float]

    @property
    def weight(self) -> float:
        """What the drift may cost: the importance of what has moved. Without importances, what has moved."""
        return (self.moved or 0.0) * (1.0 if self.importance is None else max(self.importance, 0.0))


def query(source: Source, asked: Mapping[str, str]) -> Content:
    """The inputs of the champion, those first whose drift may cost most; with `name`, one of them then and now."""
    decisions = read_decisions(source.lake)
    champion = fold(decisions).champion
    if champion is None:
        return {"version": None, "row": None}
    package = package_folder(source.project, find_version(decisions, champion))
    plan = load_plan(package)
    features = Features.from_dict(plan.features)
    record = read_champion(decisions, champion, task_of(source.project, package))
    measured = _measured(source)
    rows = _list_inputs(features, measured, champion=champion, importances=record.importances if record else {})
    content: Content = {"version": champion, "row": None, "rows": rows, "parity": _parity(measured)}
    content["beside"] = _measured_beside(measured.filter(pl.col("monitor") == "drift").sort("at", "version"), champion)
    content["has_importances"] = any(row.importance is not None for row in rows)
    if name := asked.get("name", "").strip():
        row = _find(rows, name)
        drift = measured.filter(pl.col("monitor") == "drift", pl.col("name") == name)
        bins = compare_bins(source, plan, read_profiles(package).get(name), drift, name=name, version=champion)
        content |= {
            "row": row,
            "drift_chart": draw_drift(drift, name=name, timezone=source.project.timezone),
            "bins": bins,
            "bins_chart": draw_bins(bins, name=name) if bins else None,
        }
    return content


def _measured(source: Source) -> pl.DataFrame:
    if not MEASUREMENTS.exists(source.lake):
        return pl.DataFrame(schema=MEASUREMENTS.fixed_schema)
    rows = MEASUREMENTS.read(source.lake)
    wanted = rows.filter(pl.col("monitor").is_in(["drift", "parity", "volume"]), pl.col("value").is_finite())
    return as_known_now(wanted)


def _list_inputs(
    features: Features, measured: pl.DataFrame, *, champion: int, importances: Mapping[str, float]
) -> list[InputRow]:
    drift = measured.filter(pl.col("monitor") == "drift").sort("at", "version")
    by_day = drift.group_by("name", "at", maintain_order=True).agg(pl.col("value").last())
    days = {
        name: values[-SPARK_DAYS:]
        for name, values in by_day.group_by("name", maintain_order=True).agg("value").iter_rows()
    }
    own = measurements_of(measured, _measured_beside(drift, champion))
    last = own.filter(pl.col("monitor") == "drift").filter(pl.col("at") == pl.col("at").max())
    psi = dict(last.select("name", "value").iter_rows())
    moved = dict(moved_shares(own).sort("at").group_by("name").agg(pl.col("moved").last()).iter_rows())
    rows = [
        InputRow(
            name, define(features, name), importances.get(name), psi.get(name), moved.get(name), days.get(name, [])
        )
        for name in features.inputs
    ]
    return sorted(rows, key=lambda row: (-row.weight, -(row.importance or 0.0)))


def _measured_beside(drift: pl.DataFrame, champion: int) -> int | None:
    """The version beside whose training data drift was measured last: the champion, or before its first day is over the
    one before."""
    versions = drift["version"].to_list()
    return champion if champion in versions else next(iter(versions[-1:]), None)


def define(features: Features, name: str) -> str:
    """The definition of an input in a line."""
    if name in features.derived:
        return str(features.derived[name])
    view = next((view for view in features.views if name in view.values), None)
    return _define_value(view, name) if view else "a field of the request"


def _define_value(view: FeatureView, name: str) -> str:
    aggregate = view.values[name]
    of = "" if aggregate.of is None else f" = {aggregate.of}"
    limit = f" over {view.over}" if view.over else f", at most {view.ttl} old" if view.ttl else ""
    key = ", ".join(field if field == column else f"{field} → {column}" for field, column in view.keys.items())
    return f"{aggregate.how}({aggregate.column}{of}) of {view.table} by {key}{limit} (view {view.name})"


def _parity(measured: pl.DataFrame) -> dict[str, int] | None:
    """How many values were compared with their definition, and how many differed; None while none was."""
    rows = measured.filter(pl.col("monitor") == "parity")
    totals = {name: int(value) for name, value in rows.group_by("name").agg(pl.col("value").sum()).iter_rows()}
    return {"compared": 0, "differing": 0, **totals} if totals else None


def _find(rows: list[InputRow], name: str) -> InputRow:
    for row in rows:
        if row.name == name:
            return row
    raise NotFound(
        f'the live version has no input "{name[:100]}"',
        code="unknown_feature",
        where="name",
        hint="choose one from the list",
    )


VIEW = View(name="features", title="Features", command="mlops features list", query=query)
