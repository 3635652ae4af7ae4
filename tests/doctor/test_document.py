"""docs/doctor.md is what the list of checks says."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.doctor.catalog import CHECKS
from mlops_lab.doctor.document import render_checks

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_checks(), "run `make schema`"


def test_every_check_has_a_row() -> None:
    rows = [line for line in render_checks().splitlines() if line.startswith("| `")]
    assert len(rows) == len(CHECKS) + 4, "and each state"
