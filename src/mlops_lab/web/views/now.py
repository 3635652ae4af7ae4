"""Now: what answers, since when and why, how good it is, what is waited for, and which alerts are open."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_lab.alerts.states import AlertState, read_statuses
from mlops_lab.intake.now import stored_moment
from mlops_lab.status.describe import describe
from mlops_lab.status.records import ProjectStatus
from mlops_lab.status.sentences import sentences
from mlops_lab.web.quality_chart import draw_quality
from mlops_lab.web.view import Content, Source, View


def query(source: Source, asked: Mapping[str, str]) -> Content:
    """The status, its sentences, the curve of the quality, and the alerts that are not resolved."""
    del asked
    status = describe(source.project, takes_in=False)
    moment = stored_moment(source.project, source.lake)
    statuses = read_statuses(source.project, source.lake, now=moment) if moment else []
    alerts = [alert for alert in statuses if alert.state is not AlertState.RESOLVED]
    first, *rest = sentences(status)
    return {
        "status": status,
        "first": first,
        "sentences": rest,
        "alerts": alerts,
        "troubles": list(_troubles(status, sum(alert.state is AlertState.OPEN for alert in alerts))),
        "chart": draw_quality(source),
    }


def _troubles(status: ProjectStatus, open_alerts: int) -> list[str]:
    """Why not all is fine, in a few words each."""
    troubles = []
    if open_alerts:
        troubles.append(f"{open_alerts} open alert{'s' if open_alerts > 1 else ''}")
    if status.champion is None:
        troubles.append("no version is live")
    elif status.server is None:
        troubles.append("the server is not running")
    if status.following and status.following.lagging:
        troubles.append("a server answers by older decisions")
    if status.failing_channels:
        troubles.append("a channel of alerts fails")
    return troubles


VIEW = View(name="now", title="Now", command="mlops status", query=query)
