"""Which measurements are watched, and how loudly changes are told."""

import numpy as np
import pytest

from mlops_lab.monitoring.detectors.run import ANSWER_DETECTORS, DETECTORS, JOINT_DETECTORS, OPERATIONS_DETECTORS
from mlops_lab.monitoring.rules import (
    DEFAULT_RULES,
    MonitorRule,
    Severity,
    find_rule,
    is_evidence,
    rules_of,
    scale_values,
)
from mlops_lab.project.monitors_section import OF_INPUTS, OF_SLICES, WATCHED_DETECTORS, MonitorSection

MONITORS = {detector.monitor for detector in (*DETECTORS, *JOINT_DETECTORS, *ANSWER_DETECTORS, *OPERATIONS_DETECTORS)}


def test_default_rules_are_about_monitors_that_there_are():
    assert {rule.monitor for rule in DEFAULT_RULES} <= MONITORS


def test_drift_alone_wakes_nobody_and_a_loss_does():
    drift = {find_rule(DEFAULT_RULES, monitor, "x") for monitor in ("jensen_shannon", "joint_drift")}
    assert {rule.severity for rule in drift if rule is not None} == {Severity.NOTE}
    for series in (
        ("excess_loss", "log_loss"),
        ("skill", "log_loss"),
        ("quality", "rmse"),
        ("calibration", ""),
        ("nulls", "x"),
        ("business_value", "mean"),
        ("contract_breaches", "rows for orders"),
        ("server_errors", "requests"),
        ("latency", "p99_ms"),
        ("ab_test", "shares"),
    ):
        rule = find_rule(DEFAULT_RULES, *series)
        assert rule is not None
        assert rule.severity is Severity.PAGE


def test_a_version_of_a_test_that_is_worth_more_or_less_wakes_nobody():
    rule = find_rule(DEFAULT_RULES, "ab_test", "version 2")
    assert rule is not None
    assert (rule.severity, rule.is_evidence) == (Severity.NOTE, True)
    assert is_evidence(DEFAULT_RULES, "ab_test", "shares")
    assert not is_evidence(DEFAULT_RULES, "nulls", "x")


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


def test_the_settings_know_every_detector():
    assert set(WATCHED_DETECTORS) == MONITORS
    assert set(OF_INPUTS) == {detector.monitor for detector in DETECTORS}
    assert set(OF_SLICES) <= {detector.monitor for detector in ANSWER_DETECTORS}


def test_a_declared_rule_is_the_default_one_but_for_what_it_says():
    rules = rules_of([MonitorSection(detector="nulls", feature="x", severity="note", smallest=0.1)])
    declared, default = find_rule(rules, "nulls", "x"), find_rule(rules, "nulls", "y")
    assert declared is not None
    assert (declared.severity, declared.smallest) == (Severity.NOTE, 0.1)
    assert default in DEFAULT_RULES
    (drift,) = {find_rule(rules_of([MonitorSection(detector="drift", feature="x")]), "drift", "x")}
    assert drift is not None
    assert drift.severity is Severity.PAGE
    assert find_rule(rules_of([]), "drift", "x") is None, "no default rule"


def test_a_rule_without_a_detector_is_about_all_of_a_feature_or_a_slice():
    rules = rules_of([MonitorSection(feature="x", severity="off"), MonitorSection(slice="shop=a", severity="note")])
    assert [find_rule(rules, monitor, "x") for monitor in ("jensen_shannon", "nulls", "unseen")] == [None] * 3
    assert find_rule(rules, "nulls", "y") is not None
    slice_rule = find_rule(rules, "slice_skill", "shop=a")
    assert slice_rule is not None
    assert slice_rule.severity is Severity.NOTE


def test_a_page_can_be_switched_off_for_one_measure_alone():
    rules = rules_of([MonitorSection(detector="quality", severity="off")])
    assert find_rule(rules, "quality", "rmse") is None
    assert find_rule(rules, "skill", "log_loss") is not None
