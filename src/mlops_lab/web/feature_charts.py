"""Charts of one input: its drift by day, and how its values were distributed in training and on the last day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import polars as pl

from mlops_lab.charts.drawing import Json, check_charts, draw, layer, x_of_days
from mlops_lab.monitoring.logged_inputs import logged_inputs
from mlops_lab.monitoring.profile import Profile, all_shares
from mlops_lab.registry.package import Plan
from mlops_lab.schemas.casts import cast_exactly
from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.web.view import Source

WIDTH, HEIGHT = 900, 200
SHOWN_DAYS = 365
MOST_BINS = 14


@dataclass(frozen=True)
class Bin:
    """Values of an input: which, and their share in training and on the last measured day."""

    name: str
    then: float
    now: float


def draw_drift(drift: pl.DataFrame, *, name: str, timezone: str) -> str | None:
    """The drift of an input by day, a line for each version beside whose training data it was measured; None while
    fewer than two days are."""
    ends = pl.col("at").dt.convert_time_zone(timezone) - pl.duration(microseconds=1)
    days = drift.select(day=ends.dt.date(), version=pl.col("version"), value=pl.col("value")).sort("day", "version")
    shown = days["day"].unique().sort().tail(SHOWN_DAYS)
    if len(shown) < 2:
        return None
    check_charts("the page", extra="page")
    first, last = shown[0], shown[-1]
    rows = days.filter(pl.col("day") >= first).with_columns(pl.col("day").cast(pl.String)).to_dicts()
    y = {"field": "value", "type": "quantitative", "axis": {"tickCount": 4}, "title": None}
    line = layer("line", {"y": y, "detail": {"field": "version", "type": "nominal"}}, "loop", strokeWidth=2)
    chart: Json = {
        "data": {"values": rows},
        "title": "Population stability index by day, beside the training data: 0 is alike, above 0.25 is far apart",
        "width": WIDTH,
        "height": HEIGHT,
        "padding": 0,
        "encoding": {"x": x_of_days(str(first), str(last), days=(last - first).days + 1, width=WIDTH)},
        "layer": [line, layer("point", {"y": y}, "loop", filled=True, size=14, opacity=1)],
    }
    return draw(chart, label=f"Drift of {name} by day")


def compare_bins(
    source: Source, plan: Plan, profile: Profile | None, drift: pl.DataFrame, *, name: str, version: int
) -> list[Bin]:
    """The bins of an input in the training of a version, and on the last measured day; none while no day was."""
    own = drift.sort("at")
    if profile is None or own.is_empty() or not PREDICTIONS.exists(source.lake):
        return []
    end = own["at"][-1]
    began = end - timedelta(hours=own["window_hours"][-1])
    column = _read_day(source, plan, began, end, name=name, version=version)
    if column is None or column.is_empty():
        return []
    dtype = pl.Float64() if profile.categories is None else pl.String()
    values, _ = cast_exactly(column, dtype)
    then, now = all_shares(profile, values)
    return _join_rare(_bin_names(profile), then.tolist(), now.tolist(), is_ordered=profile.categories is None)


def _read_day(
    source: Source, plan: Plan, began: datetime, end: datetime, *, name: str, version: int
) -> pl.Series | None:
    """What the version saw in the input on the day, or those that answered before it did; None where the log does not
    have it."""
    predictions = PREDICTIONS.read(source.lake, since=began, before=end)
    own = predictions.filter(pl.col("version") == version)
    inputs = logged_inputs(own if own.height else predictions, plan)
    return inputs[name] if name in inputs.columns else None


def _bin_names(profile: Profile) -> list[str]:
    """The names of the bins in order: the last two are other texts (or the greatest numbers), and nulls."""
    if profile.categories is not None:
        return [*(f"{category}" for category in profile.categories), "other texts", "missing"]
    edges = [f"{edge:.4g}" for edge in profile.edges or []]
    if not edges:
        return ["all numbers", "missing"]
    between = [f"{low} – {high}" for low, high in pairwise(edges)]
    return [f"≤ {edges[0]}", *between, f"> {edges[-1]}", "missing"]


def _join_rare(names: Sequence[str], then: Sequence[float], now: Sequence[float], *, is_ordered: bool) -> list[Bin]:
    """The bins; of many texts those with the largest shares, the rest as one. Empty ones at the end are left out."""
    bins = [Bin(*row) for row in zip(names, then, now, strict=True)]
    *listed, other, missing = bins
    if not is_ordered:
        listed.sort(key=lambda each: -max(each.then, each.now))
        rest = [*listed[MOST_BINS:], other]
        listed = listed[:MOST_BINS]
        other = Bin("other texts", sum(each.then for each in rest), sum(each.now for each in rest))
    ends = [each for each in (other, missing) if each.then or each.now]
    return [*listed, *ends]


def draw_bins(bins: Sequence[Bin], *, name: str) -> str:
    """The shares of the bins, then and now side by side."""
    check_charts("the page", extra="page")
    rows = [{"bin": each.name, "when": when, "share": asdict(each)[when]} for each in bins for when in ("then", "now")]
    order = [each.name for each in bins]
    x = {"field": "bin", "type": "nominal", "sort": order, "title": None}
    chart: Json = {
        "data": {"values": rows},
        "title": "Share of the values: in training (grey), and on the last measured day (blue)",
        "width": WIDTH,
        "height": HEIGHT,
        "padding": 0,
        "mark": {"type": "bar", "aria": False},
        "encoding": {
            "x": {**x, "axis": {"labelAngle": 0 if len(bins) < 9 else -35, "labelLimit": 90}},
            "xOffset": {"field": "when", "sort": ["then", "now"]},
            "y": {"field": "share", "type": "quantitative", "axis": {"format": "%", "tickCount": 4}, "title": None},
            "color": {
                "field": "when",
                "scale": {"domain": ["then", "now"], "range": ["var(--frozen)", "var(--loop)"]},
                "legend": None,
            },
        },
    }
    return draw(chart, label=f"Values of {name}, then and now")
