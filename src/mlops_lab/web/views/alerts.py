"""Alerts: those that somebody should look at, what to do about each, and what was done."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_lab.alerts.deliveries import read_deliveries
from mlops_lab.alerts.runbooks import runbook_of
from mlops_lab.alerts.states import AlertState, read_statuses
from mlops_lab.intake.now import stored_moment
from mlops_lab.web.view import Content, Source, View

SHOWN = 100


def query(source: Source, asked: Mapping[str, str]) -> Content:
    """The alerts that are not resolved; with `all`, those that are, too. The newest first."""
    shows_all = bool(asked.get("all"))
    moment = stored_moment(source.project, source.lake)
    statuses = read_statuses(source.project, source.lake, now=moment) if moment else []
    shown = [status for status in statuses if shows_all or status.state is not AlertState.RESOLVED]
    shown.sort(key=lambda status: status.last.at, reverse=True)
    deliveries = read_deliveries(source.lake)
    alerts = []
    for status in shown[:SHOWN]:
        ids = {alert.id for alert in status.raised}
        alerts.append(
            {
                "status": status,
                "runbook": runbook_of(status.last.rule).line,
                "deliveries": [item for item in deliveries if item.alert in ids],
            }
        )
    return {
        "alerts": alerts,
        "shows_all": shows_all,
        "more": max(0, len(shown) - SHOWN),
        "resolved": sum(status.state is AlertState.RESOLVED for status in statuses),
    }


VIEW = View(name="alerts", title="Alerts", command="mlops alerts list", query=query)
