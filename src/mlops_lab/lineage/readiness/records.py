"""How ready a project is, as typed records: what `mlops readiness --json` prints. Fields are only ever added."""

from __future__ import annotations

from msgspec import Struct


class Declared(Struct, frozen=True, kw_only=True):
    """What a person declared in `mlops.toml`: who did the test, on which day, and what came out. `is_old`: more than a
    year ago. `counts`: whether it brings the half point (not where evidence brings as much, or says no)."""

    by: str
    on: str
    note: str
    is_old: bool
    counts: bool


class TestResult(Struct, frozen=True, kw_only=True):
    """A test of the rubric: `test` is its name in `mlops.toml`, `points` 0, 0.5 or 1, `evidence` a sentence.

    `on` is the day of the newest fact behind it (null: it has none). `says_no`: the test ran, and failed. `counts` is
    what counts as evidence, `show` the command that shows it, `mend` what brings more points (null: nothing here), and
    `effort` what that takes.
    """

    __test__ = False  # pytest collects classes whose name begins like this one
    test: str
    name: str
    points: float
    evidence: str
    on: str | None
    says_no: bool
    declared: Declared | None
    counts: str
    show: str
    mend: str | None
    effort: str | None


class SectionResult(Struct, frozen=True, kw_only=True):
    """A section of the rubric: the sum of its points, of 7, and its tests."""

    section: str
    title: str
    points: float
    tests: list[TestResult]


class Criterion(Struct, frozen=True, kw_only=True):
    """What a level of maturity asks for, whether it is so, and how that is seen."""

    level: int
    name: str
    met: bool
    evidence: str


class Maturity(Struct, frozen=True, kw_only=True):
    """The highest level (0, 1, 2) of which all criteria are met, and those of the levels below it, too."""

    level: int
    name: str
    criteria: list[Criterion]


class NextStep(Struct, frozen=True, kw_only=True):
    """What brings more points: a sentence with a command, what it takes, and the tests that it is about."""

    mend: str
    effort: str
    tests: list[str]


class Readiness(Struct, frozen=True, kw_only=True):
    """`mlops readiness`: the sum of all 28 tests (`points`), the part of it that evidence brings, and the least of the
    four sections, which is the ML Test Score (`score`, with `meaning`).

    `next` has what brings the next points, the cheapest first. `problems`: what could not be read, and counts for
    nothing.
    """

    schema_version: int = 1
    project: str
    now: str | None
    points: float
    points_by_evidence: float
    score: float
    meaning: str
    sections: list[SectionResult]
    maturity: Maturity
    next: list[NextStep]
    problems: list[str]
