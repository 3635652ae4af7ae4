"""Rules: which measurements are watched, which changes of them matter, and how loudly they are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from mlops_lab.monitoring.budget.scores import Floats


class Severity(StrEnum):
    """How loudly a change is told: something is worse or broken (`page`), or only different (`note`)."""

    PAGE = "page"
    NOTE = "note"


@dataclass(frozen=True)
class MonitorRule:
    """That a monitor is watched: all its names, or one.

    `higher`, `lower`: which changes matter. `smallest`: changes up to it do not, in the unit of the monitor; where
    `relative`, as a share of the value. `weight`: its part of what is bet on all rules of its severity, which its
    series share. `is_watched` is False for what a project has switched off.
    """

    monitor: str
    name: str | None = None
    higher: bool = True
    lower: bool = False
    smallest: float = 0.0
    relative: bool = False
    severity: Severity = Severity.NOTE
    weight: float = 1.0
    is_watched: bool = True

    def matches(self, monitor: str, name: str) -> bool:
        """Whether the rule is about this row of the table of measurements."""
        return self.monitor == monitor and self.name in (None, name)


_PAGE = Severity.PAGE
DEFAULT_RULES: Sequence[MonitorRule] = (
    MonitorRule("jensen_shannon", smallest=0.02),
    MonitorRule("joint_drift", smallest=0.001),
    MonitorRule("prediction", "mean", higher=True, lower=True, smallest=0.05, relative=True),
    MonitorRule("nulls", smallest=0.02, severity=_PAGE),
    MonitorRule("unseen", smallest=0.02, severity=_PAGE),
    MonitorRule("volume", "predictions", higher=True, lower=True, smallest=0.3, relative=True, severity=_PAGE),
    MonitorRule("volume", "outcomes", higher=False, lower=True, smallest=0.3, relative=True, severity=_PAGE),
    MonitorRule("freshness", smallest=3.0, severity=_PAGE),
    MonitorRule("outcome_lag", "p90_hours", smallest=0.2, relative=True, severity=_PAGE),
    MonitorRule("calibration", higher=True, lower=True, severity=_PAGE),
    MonitorRule("quality", "log_loss", smallest=0.02, relative=True, severity=_PAGE, weight=4.0),
    MonitorRule("quality", "rmse", smallest=0.02, relative=True, severity=_PAGE, weight=4.0),
)
"""Drift is told as a note: inputs change with the seasons, and a model may well know what to do about it. What matters
most, the quality, gets the largest bet."""


def find_rule(rules: Iterable[MonitorRule], monitor: str, name: str) -> MonitorRule | None:
    """The first rule about a measurement; None where it is not watched."""
    rule = next((rule for rule in rules if rule.matches(monitor, name)), None)
    return rule if rule is not None and rule.is_watched else None


def scale_values(rule: MonitorRule, values: Floats) -> tuple[Floats, float]:
    """(values, smallest change that matters) in the unit in which the rule is applied: logarithms where changes count
    as shares; what is not above 0 counts as a millionth of what is usual."""
    if not rule.relative:
        return values, rule.smallest
    usual = float(np.nanmedian(np.abs(values))) if np.isfinite(values).any() else 1.0
    return np.log(np.maximum(values, (usual or 1.0) * 1e-6)), float(np.log1p(rule.smallest))
