"""Rows as requests, as outcomes, and as files."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lab_tables import make_examples

from mlops_lab.learn.labs.data.cases import LabData, known_before, write_cases, write_days
from mlops_lab.learn.labs.data.layout import KNOWN_AT

each_data = pytest.mark.parametrize("data", make_examples(), ids=lambda data: data.layout.source)


@each_data
def test_a_request_has_the_fields_and_not_the_outcome(data: LabData) -> None:
    case = data.cases(0, 1)[0]
    assert {*case.request} == {"id", *data.layout.fields}
    assert {*case.outcome} == {"id", KNOWN_AT, data.layout.label}
    assert json.loads(json.dumps([case.request, case.outcome])) == [case.request, case.outcome]


@each_data
def test_the_past_of_a_project_ends_at_noon(data: LabData) -> None:
    live = data.layout.day(5)
    past = known_before(data.cases(0, 5), live)
    assert past
    noon = datetime.combine(live, datetime.min.time(), tzinfo=UTC) - timedelta(hours=12)
    assert {case.known_at < noon for case in past} == {True}


@each_data
def test_files_have_each_row_once_and_days_what_was_known_on_them(data: LabData, tmp_path: Path) -> None:
    cases = data.cases(0, 4)
    write_cases(tmp_path / "past.csv", cases, data.layout.columns)
    rows = [*csv.DictReader((tmp_path / "past.csv").open(encoding="utf-8"))]
    assert [row[data.layout.id] for row in rows] == [case.id for case in cases]
    assert {row[data.layout.label] for row in rows} <= {"yes", "no"}
    write_days(tmp_path / "days", cases, name="rows", first=data.layout.first_day, days=4)
    asked = [line for path in sorted((tmp_path / "days").glob("*-rows.jsonl")) for line in path.open(encoding="utf-8")]
    assert [json.loads(line) for line in asked] == [case.request for case in cases]
    for path in (tmp_path / "days").glob("*-outcomes.csv"):
        assert {row[KNOWN_AT][:10] for row in csv.DictReader(path.open())} == {path.name[:10]}
