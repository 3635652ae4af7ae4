"""What of many alike cases runs in `make test`: the others are slow tests, and run in `make test-all`."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings


def mostly_slow(cases: Iterable[Any], *, quick: Iterable[Any]) -> list[Any]:
    """The cases, all but these marked as slow."""
    kept = list(quick)
    return [case if case in kept else pytest.param(case, marks=pytest.mark.slow) for case in cases]


class Run:
    """What this run of the tests is like."""

    is_quick = False
    """Whether it leaves the slow tests out."""


def examples(count: int, **more: Any) -> settings:
    """Hypothesis settings with this number of examples, a quarter of them in a run without slow tests."""
    return settings(max_examples=max(min(count, 5), count // 4) if Run.is_quick else count, **more)
