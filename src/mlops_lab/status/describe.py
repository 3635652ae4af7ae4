"""What is so right now, in one look."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from mlops_lab.alerts.channels.table import read_alerts
from mlops_lab.clock import days_before
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.quarantine import waiting
from mlops_lab.loop.observe import measure_day, measurements_since, predictions_of_day, rollout_pairs, task_of
from mlops_lab.loop.tick import Loop
from mlops_lab.loop.triggers.run import next_retraining
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.rollout.next_step import waiting_for
from mlops_lab.rollout.versions import find_version
from mlops_lab.serving.process.address import find_server
from mlops_lab.tables.declared import MEASUREMENTS, OUTCOMES, PREDICTIONS
from mlops_lab.tables.verdict import Verdict

_WENT_LIVE = {DecisionKind.BOOTSTRAP, DecisionKind.PROMOTE, DecisionKind.ROLL_BACK}
_METRICS = ("log_loss", "rmse")
_WEEK = 7


def describe(project: Project) -> dict[str, Any]:
    """What is live, since when and why, how it does, and what is waiting for what; plain JSON data.

    `now` is the moment that the loop would take for now; None, and most other facts too, where nothing is live yet.
    """
    loop = Loop(project)
    ingest_journal(project, loop.lake)
    state, server = loop.state, find_server(project)
    predictions = PREDICTIONS.read(loop.lake, columns=["id"]).height if PREDICTIONS.exists(loop.lake) else 0
    verdicts: dict[str, int] = {}
    if OUTCOMES.exists(loop.lake):
        verdicts = dict(OUTCOMES.read(loop.lake, columns=["verdict"])["verdict"].value_counts().iter_rows())
    now = loop.now() if state.champion is not None else None
    return {
        "project": project.name,
        "folder": str(project.root),
        "timezone": project.timezone,
        "now": now.isoformat() if now else None,
        "server": server.url if server else None,
        "champion": state.champion,
        "since": state.since.isoformat() if state.since else None,
        "live_by": _as_dict(_made_live(loop)),
        "challenger": state.challenger,
        "stage": state.stage,
        "arms": {str(version): share for version, share in state.arms},
        "generation": state.generation,
        "quality": _quality(loop),
        "performance": _performance(loop, now) if now else {},
        "predictions": predictions,
        "pending": predictions - verdicts.get(Verdict.ACCEPTED, 0),
        "recent": _recent(loop, now) if now else None,
        "unknown_outcomes": verdicts.get(Verdict.UNKNOWN, 0),
        "conflicting_outcomes": verdicts.get(Verdict.CONFLICT, 0),
        "quarantined": waiting(loop.lake).height,
        "alert": _last_alert(loop, now) if now else None,
        "rollout": _rollout(loop, now) if now else None,
        "retraining": _retraining(loop),
        "last_decision": _as_dict(loop.decisions[-1] if loop.decisions else None),
    }


def _as_dict(decision: Decision | None) -> dict[str, Any] | None:
    return decision.as_dict() if decision else None


def _made_live(loop: Loop) -> Decision | None:
    """The decision by which the champion answers."""
    found = [one for one in loop.decisions if one.what in _WENT_LIVE and one.version == loop.state.champion]
    return found[-1] if found else None


def _recent(loop: Loop, now: datetime) -> dict[str, Any]:
    """What was answered in the last hour, and what waits for an outcome that is still expected."""
    within = loop.project.settings.source.outcome_within_days
    found: dict[str, Any] = {"answered_last_hour": 0, "waiting": 0, "oldest": None, "within_days": within}
    if not PREDICTIONS.exists(loop.lake):
        return found
    asked = PREDICTIONS.read(loop.lake, columns=["id", "at"], since=now - timedelta(days=within))
    found["answered_last_hour"] = asked.filter(pl.col("at") >= now - timedelta(hours=1)).height
    if OUTCOMES.exists(loop.lake):
        ended = OUTCOMES.read(loop.lake, columns=["id", "verdict"], since=now - timedelta(days=within))
        asked = asked.join(ended.filter(pl.col("verdict") == Verdict.ACCEPTED), on="id", how="anti")
    oldest = asked["at"].min()
    return found | {"waiting": asked.height, "oldest": oldest.isoformat() if isinstance(oldest, datetime) else None}


def _quality(loop: Loop) -> dict[str, float]:
    if not MEASUREMENTS.exists(loop.lake):
        return {}
    measured = MEASUREMENTS.read(loop.lake).filter(pl.col("monitor") == "quality")
    newest = measured.filter(pl.col("at") == pl.col("at").max())
    return dict(newest.select("name", "value").iter_rows())


def _performance(loop: Loop, now: datetime) -> dict[str, Any]:
    """How well was answered: in the last 24 hours, on the last day that was measured, in the week before that day."""
    project, champion = loop.project, loop.state.champion
    assert champion is not None
    today = measure_day(
        project,
        loop.lake,
        now=now,
        state=loop.state,
        package=project.root / find_version(loop.decisions, champion).package,
        predictions=predictions_of_day(project, loop.lake, now=now),
    )
    measured = measurements_since(loop.lake, days_before(now, 2 * _WEEK, project.timezone))
    found = {"last_24_hours": summarise(today)}
    last = measured.filter(pl.col("monitor") == "quality")["at"].max() if measured.height else None
    if isinstance(last, datetime):
        before = measured.filter(pl.col("at") < last, pl.col("at") >= days_before(last, _WEEK, project.timezone))
        found |= {"last_day": summarise(measured.filter(pl.col("at") == last)), "week_before": summarise(before)}
    day, hours = found.get("last_day"), found["last_24_hours"]
    if day and hours and (day["outcomes"], day["value"]) == (hours["outcomes"], hours["value"]):
        del found["last_24_hours"]  # they are the same hours
    return {name: figures for name, figures in found.items() if figures}


def summarise(measured: pl.DataFrame) -> dict[str, Any] | None:
    """The loss of some windows, weighted by their outcomes: which (`metric`), its `value`, that of always answering
    what was observed on average (`base`, where it can be told), `outcomes`, and the moment of the last window.

    None where no outcome was measured.
    """
    wide = measured.filter(pl.col("monitor").is_in(["quality", "volume"])).pivot(
        on="name", index="at", values="value", aggregate_function="first"
    )
    metric = next((name for name in _METRICS if name in wide.columns), None)
    if metric is None:
        return None
    windows = wide.drop_nulls([metric, "outcomes"]).filter(pl.col("outcomes") > 0).to_dicts()
    if not windows:
        return None
    outcomes = sum(window["outcomes"] for window in windows)
    bases = [_base(window) for window in windows]
    power = 2 if metric == "rmse" else 1  # squared errors add up, their roots do not

    def mean(values: list[float]) -> float:
        weighed = zip(values, windows, strict=True)
        return float((sum(value**power * window["outcomes"] for value, window in weighed) / outcomes) ** (1 / power))

    return {
        "metric": metric,
        "value": mean([window[metric] for window in windows]),
        "base": mean([base for base in bases if base is not None]) if None not in bases else None,
        "outcomes": int(outcomes),
        "at": max(window["at"] for window in windows).isoformat(),
    }


def _base(window: dict[str, Any]) -> float | None:
    """The loss of the answer that is always the same, the best such one: the rate, or the mean, that was observed."""
    rate, explained = window.get("observed_rate"), window.get("r2")
    if rate is not None:
        return sum(-share * math.log(share) for share in (float(rate), 1 - float(rate)) if share > 0)
    if explained is not None and explained < 1:
        return float(window["rmse"] / math.sqrt(1 - explained))
    return None


def _last_alert(loop: Loop, now: datetime) -> dict[str, Any] | None:
    """The newest alert of the last week."""
    recent = [alert for alert in read_alerts(loop.lake) if alert.at >= now - timedelta(days=_WEEK)]
    return {**vars(recent[-1]), "at": recent[-1].at.isoformat()} if recent else None


def _rollout(loop: Loop, now: datetime) -> dict[str, Any] | None:
    """What the stage under way waits for."""
    state, began = loop.state, loop.state.rollout_began
    if state.stage is None or state.since is None or began is None:
        return None
    assert state.champion is not None
    task = task_of(loop.project.root / find_version(loop.decisions, state.champion).package)
    rows = rollout_pairs(loop.project, loop.lake, since=began, now=now, task=task).height
    wait = waiting_for(loop.project, state, rows=rows)
    return {
        **vars(wait),
        "until": wait.until.isoformat(),
        "days_over": min(wait.days, (now - state.since) // timedelta(days=1)),
        "canary_share": loop.project.settings.rollout.canary_share,
    }


def _retraining(loop: Loop) -> dict[str, Any] | None:
    """When the next training is due, or since when one is under way."""
    state = loop.state
    if state.retraining is not None:
        return {"began": state.retraining.at.isoformat(), "reason": state.retraining.reason}
    if state.last_retrain is None:
        return None
    due = next_retraining(loop.project, state.last_retrain)
    return {
        "due": due.at.isoformat(),
        "every_days": loop.project.settings.triggers.every_days,
        "watched_from": due.watched_from.isoformat(),
        "watched": due.watched,
    }
