"""The labs, in the order of the course."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache

from mlops_lab.errors import NotFound
from mlops_lab.learn.labs.lab import CheckText, Lab, read_lab

NAMES = ("notebook-to-service", "nightly-retrain", "planted-skew", "ab-test", "moved-project", "on-call")
"""The name of each is its folder, with `-` for `_`."""


@cache
def read_labs() -> tuple[Lab, ...]:
    """All labs, in order."""
    return tuple(read_lab(name) for name in NAMES)


def find_lab(name: str) -> Lab:
    """The lab of this name; NotFound otherwise."""
    labs = {lab.name: lab for lab in read_labs()}
    if name in labs:
        return labs[name]
    near = get_close_matches(name, labs, n=1)
    hint = f"did you mean {near[0]}?" if near else "`mlops lab list` names them"
    raise NotFound(f'there is no lab "{name}"', code="unknown_lab", hint=hint)


def find_check(lab: Lab, name: str) -> CheckText:
    """The check of this name; NotFound otherwise."""
    checks = {check.name: check for check in lab.text.checks}
    if name in checks:
        return checks[name]
    near = get_close_matches(name, checks, n=1)
    hint = f"did you mean {near[0]}?" if near else f"its checks are {', '.join(checks)}"
    raise NotFound(f'{lab.name} has no check "{name}"', code="unknown_check", hint=hint)
