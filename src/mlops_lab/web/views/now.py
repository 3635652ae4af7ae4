"""Now: what answers, since when and why, how good it is, what is waited for, and which alerts are open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import UNSET

from mlops_lab.alerts.states import AlertState, read_statuses
from mlops_lab.intake.now import stored_moment
from mlops_lab.status.records import ProjectStatus
from mlops_lab.status.sentences import sentences
from mlops_lab.status.wording import format_count
from mlops_lab.web.quality_chart import draw_quality
from mlops_lab.web.status import status_of, troubles_of
from mlops_lab.web.traffic import read_traffic
from mlops_lab.web.view import Content, Source, View


def query(source: Source, asked: Mapping[str, str]) -> Content:
    """The status, its sentences, the curve of the quality, and the alerts that are not resolved."""
    del asked
    status = status_of(source.project)
    moment = stored_moment(source.project, source.lake)
    statuses = read_statuses(source.project, source.lake, now=moment) if moment else []
    alerts = [alert for alert in statuses if alert.state is not AlertState.RESOLVED]
    first, *rest = sentences(status)
    return {
        "status": status,
        "first": first,
        "sentences": rest,
        "alerts": alerts,
        "troubles": troubles_of(status),
        "chart": draw_quality(source),
        "traffic": read_traffic(source.project),
        "awaited": list(_await(status)),
    }


def _await(status: ProjectStatus) -> Iterator[tuple[str, str | None, str]]:
    """What is waited for: in words, until when (None: that is not known), and the view that tells more."""
    if rollout := status.rollout:
        rows = f"{format_count(rollout.rows, 'outcome')}, {rollout.rows_needed:,} needed"
        yield f"The rollout of version {status.challenger}, then {rollout.then}: {rows}", rollout.until, "rollout"
    if watch := status.watch:
        yield f"Version {watch.version}, the champion before, is compared with the new one", watch.until, "rollout"
    if (retraining := status.retraining) and retraining.due is not UNSET:
        yield "The next training", str(retraining.due), "runs"
    elif retraining:
        yield "A training is under way", None, "runs"
    if status.days_to_measure:
        yield f"{format_count(status.days_to_measure, 'day')} to be measured at the next tick", None, "history"
    if (recent := status.recent) and recent.waiting and recent.oldest:
        last = datetime.fromisoformat(recent.oldest) + timedelta(days=recent.within_days)
        yield f"{format_count(recent.waiting, 'outcome')}, the oldest", last.isoformat(), "predictions"


VIEW = View(name="now", title="Now", command="mlops status", query=query)
