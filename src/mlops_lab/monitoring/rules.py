"""Rules: which measurements are watched, which changes of them matter, and how loudly they are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from mlops_lab.monitoring.budget.scores import Floats
from mlops_lab.project.monitors_section import OF_INPUTS, OF_SLICES, MonitorSection


class Severity(StrEnum):
    """How loudly a change is told: something is worse or broken (`page`), or only different (`note`)."""

    PAGE = "page"
    NOTE = "note"


BESIDE_TRAINING = (
    "jensen_shannon",
    "joint_drift",
    "unseen",
    "drift",
    "kolmogorov_smirnov",
    "wasserstein",
    "shift",
    "new_values",
    "chi_squared",
)
"""Monitors whose values depend on what a version was trained on: days beside other versions are no history."""


class Group(StrEnum):
    """Which rules share bets: an alarm of one group does not end the evidence of another."""

    QUALITY = "quality"
    BROKEN = "broken"
    DIFFERENT = "different"


OF_QUALITY = ("quality", "excess_loss", "skill", "business_value", *OF_SLICES)
BUDGET_SHARES = {Group.QUALITY: 0.7, Group.BROKEN: 0.25, Group.DIFFERENT: 0.05}
"""Of the budget of false alarms: a loss of quality is what matters most, and shows least; what is only different shows
most, and wakes nobody."""


@dataclass(frozen=True)
class MonitorRule:
    """That a monitor is watched: all its names, or one.

    `higher`, `lower`: which changes matter. `smallest`: changes up to it do not, in the unit of the monitor; where
    `relative`, as a share of the value. `target`: the value that is right, whatever the days before were.
    `is_evidence`: the values are logarithms of e-values against "nothing is wrong", and need no days before them.
    `weight`: its part of what is bet on all rules of its group, which its series share. `is_watched` is False for what
    a project has switched off.
    """

    monitor: str
    name: str | None = None
    higher: bool = True
    lower: bool = False
    smallest: float = 0.0
    relative: bool = False
    target: float | None = None
    is_evidence: bool = False
    severity: Severity = Severity.NOTE
    weight: float = 1.0
    is_watched: bool = True

    @property
    def group(self) -> Group:
        """The rules that share bets with it."""
        if self.monitor in OF_QUALITY and self.severity is Severity.PAGE:
            return Group.QUALITY
        return Group.BROKEN if self.severity is Severity.PAGE else Group.DIFFERENT

    def matches(self, monitor: str, name: str) -> bool:
        """Whether the rule is about this row of the table of measurements."""
        return self.monitor == monitor and self.name in (None, name)


_PAGE = Severity.PAGE
DEFAULT_RULES: Sequence[MonitorRule] = (
    MonitorRule("jensen_shannon", smallest=0.02),
    MonitorRule("shift", smallest=0.1),
    MonitorRule("new_values", smallest=0.02),
    MonitorRule("joint_drift", smallest=0.001),
    MonitorRule("prediction", "mean", higher=True, lower=True, smallest=0.05, relative=True),
    MonitorRule("nulls", smallest=0.02, severity=_PAGE, weight=3.0),
    MonitorRule("unseen", smallest=0.02, severity=_PAGE),
    MonitorRule("volume", "predictions", higher=True, lower=True, smallest=0.3, relative=True, severity=_PAGE),
    MonitorRule("volume", "outcomes", higher=False, lower=True, smallest=0.3, relative=True, severity=_PAGE),
    MonitorRule("freshness", smallest=3.0, severity=_PAGE),
    MonitorRule("outcome_lag", "p90_hours", smallest=0.2, relative=True, severity=_PAGE),
    MonitorRule("calibration", higher=True, lower=True, severity=_PAGE),
    MonitorRule("excess_loss", target=0.0, severity=_PAGE),
    MonitorRule("skill", higher=False, lower=True, severity=_PAGE),
    MonitorRule("slice_excess_loss", target=0.0, severity=_PAGE, weight=0.5),
    MonitorRule("slice_skill", higher=False, lower=True, severity=_PAGE, weight=0.5),
    MonitorRule("slice_rmse", smallest=0.02, relative=True, severity=_PAGE, weight=0.5),
    MonitorRule("quality", "rmse", smallest=0.02, relative=True, severity=_PAGE),
    MonitorRule("quality", "r2", higher=False, lower=True, severity=_PAGE),
    MonitorRule("business_value", "mean", higher=False, lower=True, severity=_PAGE, weight=0.25),
    MonitorRule("business_value", "excess", higher=False, lower=True, target=0.0, severity=_PAGE, weight=0.25),
    MonitorRule("contract_breaches", "rejected requests", smallest=0.01, severity=_PAGE),
    MonitorRule("contract_breaches", "refused rows", smallest=0.01, severity=_PAGE),
    MonitorRule("contract_breaches", smallest=20.0, severity=_PAGE),
    MonitorRule("deliveries", higher=True, lower=True, smallest=20.0, severity=_PAGE),
    MonitorRule("server_errors", smallest=0.005, severity=_PAGE),
    MonitorRule("latency", smallest=0.5, relative=True, severity=_PAGE),
    MonitorRule("ab_test", "shares", is_evidence=True, severity=_PAGE),
    MonitorRule("ab_test", is_evidence=True),
)
"""Drift is told as a note: inputs change with the seasons, and a model may well know what to do about it. The log
loss itself is not watched: it moves with how hard the requests of a day are, and both its parts tell sooner."""


def rules_of(monitors: Sequence[MonitorSection]) -> list[MonitorRule]:
    """The rules of a project: what it has declared, and the default rules for the rest.

    A declared rule is a default one with another severity or size, for what it names; of a detector without a default
    rule, each increase matters.
    """
    return [*(rule for monitor in monitors for rule in _declared_rules(monitor)), *DEFAULT_RULES]


def _declared_rules(monitor: MonitorSection) -> list[MonitorRule]:
    name = monitor.slice or monitor.feature or None
    about = OF_SLICES if monitor.slice else OF_INPUTS if monitor.feature else ()
    detectors = (monitor.detector,) if monitor.detector else about
    rules = []
    for detector in detectors:
        defaults = [rule for rule in DEFAULT_RULES if rule.monitor == detector]
        if not defaults and monitor.detector:
            defaults = [MonitorRule(detector)]
        rules += [_declare(rule, monitor, name or rule.name) for rule in defaults]
    return rules


def _declare(rule: MonitorRule, monitor: MonitorSection, name: str | None) -> MonitorRule:
    is_watched = monitor.severity != "off"
    return replace(
        rule,
        name=name,
        smallest=rule.smallest if monitor.smallest is None else monitor.smallest,
        severity=Severity(monitor.severity) if is_watched else rule.severity,
        is_watched=is_watched,
    )


def find_rule(rules: Iterable[MonitorRule], monitor: str, name: str) -> MonitorRule | None:
    """The first rule about a measurement; None where it is not watched."""
    rule = next((rule for rule in rules if rule.matches(monitor, name)), None)
    return rule if rule is not None and rule.is_watched else None


def is_evidence(rules: Iterable[MonitorRule], monitor: str, name: str) -> bool:
    """Whether the values of a series are logarithms of e-values."""
    rule = find_rule(rules, monitor, name)
    return rule is not None and rule.is_evidence


def name_series(monitor: str, name: str) -> str:
    """A series in words."""
    return f"{monitor} of {name}" if name else monitor


def scale_values(rule: MonitorRule, values: Floats) -> tuple[Floats, float]:
    """(values, smallest change that matters) in the unit in which the rule is applied: logarithms where changes count
    as shares; what is not above 0 counts as a millionth of what is usual."""
    if not rule.relative:
        return values, rule.smallest
    usual = float(np.nanmedian(np.abs(values))) if np.isfinite(values).any() else 1.0
    return np.log(np.maximum(values, (usual or 1.0) * 1e-6)), float(np.log1p(rule.smallest))
