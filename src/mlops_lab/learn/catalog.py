"""The exercises, in the order in which they are learnt."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache

from mlops_lab.errors import NotFound
from mlops_lab.learn.exercise import Exercise, read_exercise

NAMES = {
    "foundations": (
        "ids-as-floats",
        "truncated-file",
        "unseeded",
        "silent-nan",
        "pipe-exit-code",
        "full-disk",
        "stale-lock",
        "cron-environment",
        "term-signal",
        "docker-layers",
        "docker-secret",
        "not-root",
        "ignored-files",
        "bisect",
        "reverted-merge",
    ),
    "concepts": (
        "hashed-words",
        "data-version",
        "selection-before-split",
        "same-patient",
        "revised-facts",
        "late-labels",
        "undersampling",
        "peeking",
        "unit-change",
        "always-green",
        "hidden-slice",
        "drift-without-harm",
        "two-implementations",
    ),
    "tools": (
        "field-count",
        "retried-task",
        "silent-metric",
        "diverged-run",
        "unrepeatable-run",
        "missing-integer",
        "champion-alias",
        "unpinned-requirements",
        "stale-stage",
        "unpushed-data",
        "expired-feature",
        "flattened-batch",
        "omitted-wait",
        "averaged-percentile",
        "sticky-canary",
        "wrong-night",
        "slow-start",
    ),
    "systems": (
        "interrupted-tick",
        "pickled-model",
        "exchanged-file",
        "stored-tokens",
        "rollback-target",
        "forgotten-person",
        "decision-chain",
        "moved-approval",
        "capacity",
        "trained-again",
        "game-day",
    ),
}
"""By phase, the names of its exercises. The name of one is its folder, and unique."""
PHASES = tuple(NAMES)


@cache
def read_exercises() -> tuple[Exercise, ...]:
    """All exercises, in order."""
    return tuple(read_exercise(phase, name) for phase, names in NAMES.items() for name in names)


def find_exercise(name: str) -> Exercise:
    """The exercise of this name; NotFound otherwise."""
    exercises = {exercise.name: exercise for exercise in read_exercises()}
    if name in exercises:
        return exercises[name]
    near = get_close_matches(name, exercises, n=1)
    raise NotFound(
        f'there is no exercise "{name}"',
        code="unknown_exercise",
        hint=f"did you mean {near[0]}?" if near else "`mlops learn list` names them",
    )
