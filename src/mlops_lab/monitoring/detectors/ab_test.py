"""Detector: what the A/B test under way shows: wrong shares of keys, versions whose answers are worth more or less."""

from __future__ import annotations

from collections.abc import Iterable

from mlops_lab.monitoring.detectors.base import Operations, OperationsDetector


def measure_test(seen: Operations) -> Iterable[tuple[str, float | None]]:
    """The logarithm of the e-value against "the versions get the shares of keys that they were given" (`shares`), and
    against "its answers are worth the same as the champion's" (`version 3`); nothing without a test.

    They hold at every look (Ville 1939), so no history is needed to tell what is unusual.
    """
    return list(seen.evidence.items())


AB_TEST = OperationsDetector("ab_test", measure_test)
