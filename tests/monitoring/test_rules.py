"""Which measurements are watched, and how loudly changes are told."""

import numpy as np
import pytest

from mlops_lab.monitoring.detectors.run import ANSWER_DETECTORS, DETECTORS, JOINT_DETECTORS
from mlops_lab.monitoring.rules import DEFAULT_RULES, MonitorRule, Severity, find_rule, scale_values


def test_default_rules_are_about_monitors_that_there_are():
    monitors = {detector.monitor for detector in (*DETECTORS, *JOINT_DETECTORS, *ANSWER_DETECTORS)}
    assert {rule.monitor for rule in DEFAULT_RULES} <= monitors


def test_drift_alone_wakes_nobody_and_a_loss_does():
    drift = {find_rule(DEFAULT_RULES, monitor, "x") for monitor in ("jensen_shannon", "joint_drift")}
    assert {rule.severity for rule in drift if rule is not None} == {Severity.NOTE}
    for series in (("quality", "log_loss"), ("quality", "rmse"), ("calibration", ""), ("nulls", "x")):
        rule = find_rule(DEFAULT_RULES, *series)
        assert rule is not None
        assert rule.severity is Severity.PAGE


def test_the_first_rule_counts():
    off = MonitorRule("nulls", "x", is_watched=False)
    rules = (off, *DEFAULT_RULES)
    assert find_rule(rules, "nulls", "x") is None
    assert find_rule(rules, "nulls", "y") in DEFAULT_RULES
    assert find_rule(rules, "nothing", "x") is None


def test_changes_that_count_as_shares_are_logarithms():
    values, smallest = scale_values(MonitorRule("volume", relative=True, smallest=0.5), np.array([100.0, 150.0, 0.0]))
    assert values[1] - values[0] == pytest.approx(smallest)
    assert np.isfinite(values).all()
    same, plain = scale_values(MonitorRule("nulls", smallest=0.02), np.array([0.1, np.nan]))
    assert plain == 0.02
    assert same[0] == 0.1
