"""What `mlops lab … --json` prints."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from mlops_lab.learn.exercise import HINTS
from mlops_lab.learn.labs.lab import CheckText, Lab
from mlops_lab.learn.labs.steps import WAITS, CheckOutcome
from mlops_lab.learn.result import PASSED


class LabRow(Struct, frozen=True, kw_only=True):
    """A lab: about how many minutes it takes, and the names of its checks."""

    name: str
    title: str
    summary: str
    minutes: int
    checks: list[str]


class LabsRecord(Struct, frozen=True, kw_only=True):
    """`mlops lab list`: all labs, in order."""

    schema_version: int = 1
    labs: list[LabRow]


class StartedLab(Struct, frozen=True, kw_only=True):
    """`mlops lab start`: where the lab and its story are, and what it is about: `data` as it was asked for, and its
    seed."""

    schema_version: int = 1
    name: str
    folder: str
    story: str
    seed: int
    data: str


class LabCheckRow(Struct, frozen=True, kw_only=True):
    """What a check said. `message` names what it said; where it did not pass: what was `seen` and what was `expected`.
    A check that `waits` for another one has the name of that in `seen`."""

    name: str
    must: str
    state: Literal["passed", "failed", "waits"]
    message: str
    seen: str
    expected: str


class LabVerdict(Struct, frozen=True, kw_only=True):
    """`mlops lab check`: whether all checks passed that ran, and what each said."""

    schema_version: int = 1
    name: str
    folder: str
    passed: bool
    checks: list[LabCheckRow]


class LabHint(Struct, frozen=True, kw_only=True):
    """`mlops lab hint`: hint number `step` of `steps` of a check: a question, then where to look, then what to do."""

    schema_version: int = 1
    name: str
    check: str
    step: int
    steps: int = HINTS
    hint: str


def record_lab(lab: Lab) -> LabRow:
    """A lab in the list."""
    text = lab.text
    names = [check.name for check in text.checks]
    return LabRow(name=lab.name, title=text.title, summary=text.summary, minutes=text.minutes, checks=names)


def record_outcome(outcome: CheckOutcome) -> LabCheckRow:
    """A check in the verdict."""
    return LabCheckRow(
        name=outcome.check.name,
        must=outcome.check.must,
        state=PASSED if outcome.passed else WAITS if outcome.key == WAITS else "failed",
        message=outcome.key,
        seen=outcome.seen,
        expected=outcome.expected,
    )


def record_lab_hint(lab: str, check: CheckText, step: int) -> LabHint:
    """A hint of a check."""
    return LabHint(name=lab, check=check.name, step=step, hint=check.hints[step - 1].strip())
