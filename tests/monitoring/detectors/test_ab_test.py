"""The evidence of an A/B test, as it is."""

from mlops_lab.monitoring.detectors.ab_test import AB_TEST
from mlops_lab.monitoring.detectors.base import Operations


def test_the_evidence_by_name_and_nothing_without_a_test():
    assert list(AB_TEST.measure(Operations(evidence={"shares": -1.0, "version 2": 3.5}))) == [
        ("shares", -1.0),
        ("version 2", 3.5),
    ]
    assert list(AB_TEST.measure(Operations())) == []
