"""The section `[[readiness]]` of `mlops.toml`: what a person has tested that no table can show."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from mlops_lab.project.base import Config, means

RUBRIC_SECTIONS = ("data", "model", "infrastructure", "monitoring")
RUBRIC_TESTS = tuple(f"{section}.{number}" for section in RUBRIC_SECTIONS for number in range(1, 8))
"""The 28 tests, as `mlops readiness` names them (`lineage.readiness`)."""


class ReadinessSection(Config, frozen=True, kw_only=True):
    """`[[readiness]]`: a test of the ML Test Score that a person has done by hand: it brings half a point at most."""

    test: Annotated[
        str, means('the test that was done, as `mlops readiness` names it: `"data.3"`', suggest=list(RUBRIC_TESTS))
    ]
    by: Annotated[str, means("the name of the person who did it")]
    on: Annotated[date, means("the day on which it was done, such as `2026-11-02`; not in the future")]
    note: Annotated[str, means("what was tested, what came out, and where that is written down")]
