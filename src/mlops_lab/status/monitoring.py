"""How far the watching of the measured days is: what is calibrated, what is unusual, and which rules fit nothing."""

from __future__ import annotations

from datetime import datetime

from mlops_lab.loop.tick import Loop
from mlops_lab.loop.watch_days import watcher_of
from mlops_lab.monitoring.budget.scores import MIN_DAYS
from mlops_lab.status.records import MonitoringStatus
from mlops_lab.tables.declared import MEASUREMENTS


def describe_monitoring(loop: Loop, now: datetime) -> tuple[MonitoringStatus, list[str]] | None:
    """(how far it is, warnings about declared rules); None while no day was measured."""
    champion = loop.state.champion
    if champion is None or not MEASUREMENTS.exists(loop.lake):
        return None
    state = watcher_of(loop.project).look(loop.lake, now, champion=champion)
    if not state.history:
        return None
    missing = [days for days in state.history.values() if days < MIN_DAYS]
    found = MonitoringStatus(
        budget_days=loop.project.settings.monitoring.budget_days,
        watched=len(state.history),
        calibrated=len(state.history) - len(missing),
        days=max(missing, default=None),
        needed_days=MIN_DAYS,
        unusual=[f"{monitor} of {name}" if name else monitor for monitor, name in state.is_open],
    )
    names = sorted({str(rule.name) for rule in state.unused})
    return found, [f'a rule in [[monitors]] is about "{name}", and nothing of it is measured' for name in names]
