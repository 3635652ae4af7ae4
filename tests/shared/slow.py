"""Which of many alike cases run in `make test`: the others are slow tests."""

from collections.abc import Iterable
from typing import Any

import pytest


def mostly_slow(cases: Iterable[Any], *, quick: Iterable[Any]) -> list[Any]:
    """The cases, all but these marked as slow."""
    kept = list(quick)
    return [case if case in kept else pytest.param(case, marks=pytest.mark.slow) for case in cases]
