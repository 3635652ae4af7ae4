"""What a test of the rubric is, and what is found of it.

Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score: A Rubric for ML Production Readiness and Technical Debt
Reduction. IEEE Big Data 2017.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Literal, TypeAlias

from mlops_lab.lineage.readiness.evidence import Evidence

Section: TypeAlias = Literal["data", "model", "infrastructure", "monitoring"]
BY_HAND, AUTOMATIC = 0.5, 1.0
"""The points of a test that was done by hand, with a result that is on record; and of one that runs by itself."""


class Effort(IntEnum):
    """What the next points of a test take, the cheapest first."""

    COMMAND = 1
    SETTING = 2
    WAIT = 3
    CODE = 4
    PERSON = 5

    @property
    def text(self) -> str:
        """The same in words."""
        return ("", "a command", "a setting", "days of use", "some code", "a person's test")[self]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the evidence says about a test: its points, why, and since or until when (`on`, the day of the newest fact).

    `says_no`: the test was run, and it failed; a declaration does not outweigh that. `mend` (empty: nothing here brings
    more), `effort` and `show` stand where they differ from those of the test.
    """

    points: float
    evidence: str
    on: date | None = None
    says_no: bool = False
    mend: str | None = None
    effort: Effort | None = None
    show: str | None = None


@dataclass(frozen=True, kw_only=True)
class RubricTest:
    """A test: its name, what counts as evidence, the command that shows it, what mends it, and the function that looks.

    `mend` is a sentence with a command between backticks.
    """

    section: Section
    number: int
    name: str
    counts: str
    show: str
    mend: str
    effort: Effort
    check: Callable[[Evidence], Finding]

    @property
    def key(self) -> str:
        """Its name in `mlops.toml`: `data.3`."""
        return f"{self.section}.{self.number}"


def points_of(times: int) -> float:
    """The points of what the loop does by itself: it has to have done so twice, once may be a trial."""
    return 0.0 if times <= 0 else BY_HAND if times == 1 else AUTOMATIC
