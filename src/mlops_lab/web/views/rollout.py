"""Rollout: the evidence day by day, what is still waited for, and what a person may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlops_lab.charts.drawing import Json, check_charts, draw, layer
from mlops_lab.loop.tick import Loop
from mlops_lab.status.describe import describe
from mlops_lab.status.rollout_days import RolloutDay, list_days
from mlops_lab.status.sentences import tell_rollout
from mlops_lab.web.view import Content, Source, View

WIDTH = 900


def query(source: Source, asked: Mapping[str, str]) -> Content:
    """The state of the rollout under way or of the watch after a promotion, its days, and their chart."""
    del asked
    status = describe(source.project, takes_in=False)
    days = list_days(Loop(source.project))
    return {"status": status, "text": tell_rollout(status), "days": days, "chart": _draw(days) if days else None}


def _draw(days: Sequence[RolloutDay]) -> str:
    """The mean gain with its bounds after each day, and the gain of each day."""
    check_charts("the page", extra="page")
    ends = [end for day in days for end in (day.gain, day.mean, 0.0)]
    reach = max(ends) - min(ends) or 1.0
    low, high = min(ends) - reach, max(ends) + reach  # the first bounds are far away: they would hide the rest
    rows = [
        {
            "number": number,
            "gain": day.gain,
            "mean": day.mean,
            "lower": low if day.lower is None else max(day.lower, low),
            "upper": high if day.upper is None else min(day.upper, high),
        }
        for number, day in enumerate(days, start=1)
    ]
    y: Json = {
        "type": "quantitative",
        "scale": {"domain": [low, high]},
        "axis": {"tickCount": 5},
        "title": None,
    }
    x = {
        "field": "number",
        "type": "quantitative",
        "scale": {"domain": [0.5, len(rows) + 0.5], "nice": False},
        "axis": {"tickMinStep": 1, "grid": False},
        "title": "day of the rollout",
    }
    zero = {"mark": {"type": "rule", "color": "var(--muted)", "aria": False}, "encoding": {"y": {**y, "datum": 0}}}
    chart: Json = {
        "data": {"values": rows},
        "title": "By how much the challenger's loss is lower: each day, and the mean with its bounds",
        "width": WIDTH,
        "height": 220,
        "padding": 0,
        "layer": [
            layer("area", {"x": x, "y": {**y, "field": "lower"}, "y2": {"field": "upper"}}, "loop", opacity=0.14),
            {**zero, "data": {"values": [{}]}},
            layer("point", {"x": x, "y": {**y, "field": "gain"}}, "late", filled=True, size=30, opacity=1),
            layer("line", {"x": x, "y": {**y, "field": "mean"}}, "loop", strokeWidth=2.2, point=len(rows) < 15),
        ],
    }
    return draw(chart, label="Evidence of the rollout by day")


VIEW = View(name="rollout", title="Rollout", command="mlops rollout show", query=query)
