"""The quality of the champion's answers, day by day, with the decisions on it."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from mlops_lab.charts.drawing import SHAPES, Json, check_charts, decision_symbols, draw, layer, link_to, x_of_days
from mlops_lab.monitoring.measure import as_known_now
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import Decision
from mlops_lab.status.performance import constant_loss
from mlops_lab.status.wording import format_decision
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.web.view import Source

SHOWN_DAYS = 365
WIDTH, HEIGHT = 900, 220
_METRICS = {"log_loss": "Log loss", "rmse": "Root mean squared error"}
_WEIGHT = "outcomes"
_OF_BASE = ("observed_rate", "r2")
"""What the loss of the best constant answer follows from."""


def draw_quality(source: Source) -> str | None:
    """The curve as SVG: the mean loss of each measured day, and of 7 days, with that of the best constant answer; None
    while fewer than two days are measured."""
    if not MEASUREMENTS.exists(source.lake):
        return None
    days = _losses(source)
    if days.height < 2:
        return None
    check_charts("the page", extra="page")
    rows = days.to_dicts()
    metric = _METRICS[days["name"][0]]
    marks = _marks(source, rows)
    y = {"type": "quantitative", "scale": {"zero": False}, "axis": {"tickCount": 5}, "title": None}
    chart = {
        "data": {"values": rows},
        "title": f"{metric} of each day, and its mean over 7 days: lower is better",
        "width": WIDTH,
        "height": HEIGHT,
        "padding": 0,
        "encoding": {"x": x_of_days(rows[0]["day"], rows[-1]["day"], days=_span(rows), width=WIDTH)},
        "layer": [
            layer("point", {"y": {**y, "field": "loss"}}, "late", filled=True, size=14, opacity=1),
            *(
                [layer("line", {"y": {**y, "field": "base"}}, "frozen", strokeWidth=1.2)]
                if days["base"].count()
                else []
            ),
            layer("line", {"y": {**y, "field": "smooth"}}, "loop", strokeWidth=2.2),
            decision_symbols(marks, {**y, "field": "smooth"}),
        ],
    }
    return draw(chart, label=f"{metric} by day")


def _losses(source: Source) -> pl.DataFrame:
    """A row for each measured day: `day` (text), `name` of the metric, `loss`, its mean over 7 days (`smooth`,
    weighted by outcomes), and that of the best constant answer (`base`; null where it is not known)."""
    measured = as_known_now(MEASUREMENTS.read(source.lake)).filter(
        pl.col("monitor").is_in(["quality", "volume"]), pl.col("name").is_in([*_METRICS, _WEIGHT, *_OF_BASE])
    )
    wide = measured.pivot(on="name", index=["at", "role"], values="value", aggregate_function="first")
    metric = next((name for name in _METRICS if name in wide.columns), None)
    if metric is None or _WEIGHT not in wide.columns:
        return pl.DataFrame()
    power = 2 if metric == "rmse" else 1  # squared errors add up, their roots do not

    def mean(name: str, days: str | None = None) -> pl.Expr:
        sums = [pl.col(f"{name}_{what}") for what in ("total", "rows")]
        total, rows = [each.rolling_sum_by("date", days) for each in sums] if days else sums
        return ((total / rows) ** (1 / power)).fill_nan(None)

    ends = pl.col("at").dt.convert_time_zone(source.project.timezone)
    wide = wide.drop_nulls([metric, _WEIGHT]).filter(pl.col(_WEIGHT) > 0, pl.col(metric).is_finite())
    base = pl.Series("base", [constant_loss(row) for row in wide.iter_rows(named=True)], dtype=pl.Float64)
    return (
        wide.with_columns(base, loss=pl.col(metric))
        .group_by((ends - pl.duration(microseconds=1)).dt.date().alias("date"))
        .agg(
            column
            for name in ("loss", "base")
            for column in (
                (pl.col(name) ** power * pl.col(_WEIGHT)).sum().alias(f"{name}_total"),
                pl.col(_WEIGHT).filter(pl.col(name).is_not_null()).sum().alias(f"{name}_rows"),
            )
        )
        .sort("date")
        .tail(SHOWN_DAYS)
        .select(
            pl.col("date").cast(pl.String).alias("day"),
            pl.lit(metric).alias("name"),
            mean("loss").alias("loss"),
            mean("loss", "7d").alias("smooth"),
            mean("base", "7d").alias("base"),
        )
    )


def _marks(source: Source, rows: list[Json]) -> list[Json]:
    """The verdicts within the days that are drawn, each on the curve at the last day drawn that is not after it."""
    marks = []
    for number, decision in enumerate(read_decisions(source.lake)):
        day = _day(decision, source.project.timezone)
        at = next((row for row in reversed(rows) if row["day"] <= day), None if len(rows) == SHOWN_DAYS else rows[0])
        if at is None or str(decision.what) not in SHAPES:
            continue
        text = f"{day}: {format_decision(str(decision.what), decision.version)}\n{decision.reason}"
        marks.append({**at, "kind": str(decision.what), "text": text, "link": link_to(f"history#decision-{number}")})
    return marks


def _day(decision: Decision, timezone: str) -> str:
    return str((decision.at - timedelta(microseconds=1)).astimezone(ZoneInfo(timezone)).date())


def _span(rows: list[Json]) -> int:
    first, last = (datetime.fromisoformat(rows[index]["day"]) for index in (0, -1))
    return (last - first).days + 1
