"""`mlops readiness`: what it prints at 80 columns, and its exit code."""

from __future__ import annotations

import io
import re
from datetime import date

import pytest
from readiness_facts import NOTHING, make_evidence
from rich.console import Console

from mlops_lab.cli.readiness import SectionName, format_points, render
from mlops_lab.lineage.readiness.assess import judge
from mlops_lab.lineage.readiness.evidence import Evidence
from mlops_lab.project.readiness_section import RUBRIC_SECTIONS, ReadinessSection

TODAY = date(2026, 11, 30)
OLD = ReadinessSection(test="model.7", by="Ana Lima", on=date(2025, 1, 2), note="by age: [report](x) `a`")


def print_all(evidence: Evidence, *declared: ReadinessSection, width: int = 80) -> str:
    found = judge("tiny", evidence, {item.test: item for item in declared}, today=TODAY)
    out = io.StringIO()
    render(found, found.sections, Console(file=out, width=width))
    return out.getvalue()


@pytest.mark.parametrize("evidence", [NOTHING, make_evidence()], ids=["new", "lived"])
@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal(evidence: Evidence, width: int) -> None:
    text = print_all(evidence, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert len(re.findall("show  (?:mlops|python)", text)) == 28


def test_the_sums_the_level_and_the_next_points() -> None:
    text = " ".join(print_all(make_evidence(), OLD).split())
    assert "19.5 of 28 points: 19 by evidence, 0.5 declared" in text
    assert "ML Test Score 3 of 7, the least of data 3, model 4.5, infrastructure 6, monitoring 6" in text
    assert "Maturity level 2 of 2" in text
    assert "The next points, the cheapest first" in text
    assert "declared by Ana Lima on 2025-01-02, more than a year ago: test it again: by age: [report](x) `a`" in text


def test_a_new_project_is_told_what_to_do() -> None:
    text = " ".join(print_all(NOTHING).split())
    assert "0 of 28 points: 0 by evidence, 0 declared" in text
    assert "train a first version, and answer requests with it: `mlops up`" in text
    assert "level 1 trainings start by a rule?" in text


def test_points_and_sections_as_people_write_them() -> None:
    assert [format_points(points) for points in (0.0, 0.5, 12.0)] == ["0", "0.5", "12"]
    assert tuple(SectionName) == RUBRIC_SECTIONS
