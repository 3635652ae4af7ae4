"""Rollout: the evidence day by day, guardrails, the arms of an A/B test, and what a person may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlops_lab.charts.drawing import Json, check_charts, draw, layer
from mlops_lab.intake.now import stored_moment
from mlops_lab.loop.joined_outcomes import task_of
from mlops_lab.loop.tick import Loop
from mlops_lab.rollout.guardrails import GUARDRAILS
from mlops_lab.rollout.versions import find_version, package_folder
from mlops_lab.serving.answering.counts import read_trial
from mlops_lab.status.ab_report import ABArm, ABReport, report_test
from mlops_lab.status.rollout_days import RolloutDay, list_days
from mlops_lab.status.sentences import tell_rollout
from mlops_lab.web.status import groups_of, status_of
from mlops_lab.web.view import Content, Source, View

WIDTH = 900


def query(source: Source, asked: Mapping[str, str]) -> Content:
    """The state of the rollout under way or of the watch after a promotion, its days and their chart, its groups of
    requests, the guardrails of the challenger, and the A/B test under way."""
    del asked
    status, loop = status_of(source.project), Loop(source.project)
    days = list_days(loop)
    title = "By how much the challenger's loss is lower: each day, and the mean with its bounds"
    test = _report_test(loop)
    return {
        "status": status,
        "text": tell_rollout(status),
        "days": days,
        "chart": _draw(days, title) if days else None,
        "groups": groups_of(source.project),
        "guardrails": look_at_guardrails(loop),
        "test": test,
        "arms": [(arm, _draw_arm(arm, test)) for arm in test.arms] if test else [],
    }


def look_at_guardrails(loop: Loop) -> list[dict[str, Any]]:
    """What each guardrail sees of the challenger; nothing where there is none."""
    state, project = loop.state, loop.project
    if state.challenger is None or state.champion is None:
        return []
    task = task_of(project, package_folder(project, find_version(loop.decisions, state.champion)))
    trial, limits = read_trial(project.workers_path, state.challenger), project.settings.guardrails
    looks = [(guardrail.rule, guardrail.look(trial, limits, task)) for guardrail in GUARDRAILS]
    return [{"rule": rule, "seen": seen, "is_enough": seen.requests >= limits.min_requests} for rule, seen in looks]


def _report_test(loop: Loop) -> ABReport | None:
    """The A/B test under way, as far as the lake knows."""
    now = stored_moment(loop.project, loop.lake)
    return report_test(loop, now) if loop.state.arms_since is not None and now else None


def _draw_arm(arm: ABArm, test: ABReport) -> str | None:
    unit = f" {test.unit}" if test.unit else ""
    title = (
        f"By how much an answer of version {arm.version} is worth more{unit}: each day, and the mean with its bounds"
    )
    return _draw(arm.days, title) if arm.days else None


def _draw(days: Sequence[RolloutDay], title: str) -> str:
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
        "title": title,
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
