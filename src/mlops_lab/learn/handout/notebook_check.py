"""What the test cell of a notebook calls: the same check as `mlops learn check`, on the files beside the notebook."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.learn.catalog import find_exercise
from mlops_lab.learn.verdict import check_work


def assert_solved(name: str, *, seed: int) -> None:
    """AssertionError, which says what was seen and what was expected, unless the files in the folder `name` solve the
    exercise."""
    verdict = check_work(find_exercise(name), Path(name), seed=seed)
    result = verdict.result
    where = f"{result.where}: " if result.where else ""
    assert verdict.passed, f"{where}{result.seen}; expected: {result.expected}\n{verdict.printed}"
