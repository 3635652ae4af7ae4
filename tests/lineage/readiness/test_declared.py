"""Declarations: half a point, with a name and a date, and never against evidence."""

from __future__ import annotations

from datetime import date

import pytest
from readiness_facts import make_settings

from mlops_lab.errors import InvalidInput
from mlops_lab.lineage.readiness.declared import add_declared, read_declared
from mlops_lab.lineage.readiness.rubric import Finding
from mlops_lab.project import Project
from mlops_lab.project.layers import FILE, Layers, with_origin
from mlops_lab.project.readiness_section import ReadinessSection

TODAY = date(2026, 11, 30)


def declare(on: date = date(2026, 11, 2), test: str = "data.3") -> ReadinessSection:
    return ReadinessSection(test=test, by=" Ana Lima ", on=on, note="looked at it")


@pytest.mark.parametrize(
    ("points", "says_no", "expected", "counts"),
    [(0.0, False, 0.5, True), (0.5, False, 0.5, False), (1.0, False, 1.0, False), (0.0, True, 0.0, False)],
)
def test_a_declaration_is_half_a_point_where_evidence_has_nothing(
    points: float, says_no: bool, expected: float, counts: bool
) -> None:
    finding = Finding(points=points, evidence="e", says_no=says_no)
    found, declared = add_declared(finding, declare(), today=TODAY)
    assert found == expected
    assert declared is not None
    assert (declared.counts, declared.by, declared.is_old) == (counts, "Ana Lima", False)
    assert add_declared(finding, None, today=TODAY) == (points, None)


@pytest.mark.parametrize(("on", "is_old"), [(date(2025, 11, 30), False), (date(2025, 11, 29), True)])
def test_it_is_old_after_a_year(on: date, is_old: bool) -> None:
    _, declared = add_declared(Finding(points=0.0, evidence="e"), declare(on), today=TODAY)
    assert declared is not None
    assert declared.is_old == is_old


def test_a_date_in_the_future_is_refused_with_its_line(tmp_path) -> None:
    text = '[project]\nname = "tiny"\n\n[[readiness]]\ntest = "data.3"\n'
    settings = make_settings(readiness=[{"test": "data.3", "by": "a", "on": date(2026, 12, 1), "note": "n"}])
    project = Project(tmp_path, settings, Layers(text, with_origin({"readiness": []}, FILE)))
    with pytest.raises(InvalidInput) as caught:
        read_declared(project, today=TODAY)
    assert caught.value.what == "2026-12-01 is in the future"
    assert "mlops.toml, line 4" in str(caught.value.where)
    assert list(read_declared(project, today=date(2026, 12, 1))) == ["data.3"]
