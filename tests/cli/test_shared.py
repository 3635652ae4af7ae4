"""What the commands share: records as JSON, moments, paragraphs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from mlops_lab.cli.shared import local, parse_at, print_record, print_wrapped
from mlops_lab.errors import InvalidInput


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    schema_version: int = 1
    at: datetime
    rows: int


def test_a_record_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_record(Counted(at=datetime(2013, 3, 1, 5, tzinfo=UTC), rows=2))
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert json.loads(printed) == {"schema_version": 1, "at": "2013-03-01 05:00:00+00:00", "rows": 2}


@pytest.mark.parametrize("number", [0, 1, 3])
def test_rows_can_be_printed_one_by_one(capsys: pytest.CaptureFixture[str], number: int) -> None:
    rows = ({"id": index} for index in range(number))
    print_record(Counted(at=datetime(2013, 3, 1, tzinfo=UTC), rows=number), rows=("answers", rows))
    printed = json.loads(capsys.readouterr().out)
    assert printed["answers"] == [{"id": index} for index in range(number)]
    assert printed["rows"] == number


def test_at_is_a_moment_or_an_error() -> None:
    assert parse_at(None) is None
    assert parse_at("2013-03-02T05:00:00Z") == datetime(2013, 3, 2, 5, tzinfo=UTC)
    with pytest.raises(InvalidInput):
        parse_at("yesterday")


def test_a_moment_is_shown_in_the_projects_zone(tiny: Any) -> None:
    assert local(datetime(2013, 3, 2, 5, tzinfo=UTC), tiny.project) == "2013-03-02 00:00"


def test_a_paragraph_is_one_line_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_wrapped("word " * 100)
    assert capsys.readouterr().out.count("\n") == 1
