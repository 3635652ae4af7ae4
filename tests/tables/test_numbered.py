"""Rows of one moment come back in the order in which they were appended."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlops_lab.lake import Lake
from mlops_lab.tables.declared import ALERT_EVENTS
from mlops_lab.tables.numbered import append_numbered, read_numbered
from mlops_lab.tables.table import Table

AT = datetime(2013, 3, 2, 5, tzinfo=UTC)


def rows(*reasons: str) -> list[dict[str, object]]:
    empty = dict.fromkeys(("alert", "rule", "about", "until"))
    return [{"at": AT, "event": "resolved", **empty, "by": "Ada", "reason": reason} for reason in reasons]


def test_rows_of_one_moment_are_read_as_they_were_appended(tmp_path: Path):
    lake = Lake(tmp_path)
    assert read_numbered(ALERT_EVENTS, lake) == []
    for reasons in (("c", "a"), (), ("b",), ("d",)):
        append_numbered(ALERT_EVENTS, lake, rows(*reasons))
    assert [row["reason"] for row in read_numbered(ALERT_EVENTS, lake)] == ["c", "a", "b", "d"]
    assert read_numbered(ALERT_EVENTS, lake)[0] == rows("c")[0]


def test_rows_of_another_process_at_the_same_time_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lake = Lake(tmp_path)
    position, raced = Table.position, []

    def read_before_the_other_appends(table: Table, lake: Lake, writer: str) -> int:
        found = position(table, lake, writer)
        if not raced:
            raced.append(True)
            append_numbered(table, lake, rows("other"))
        return found

    monkeypatch.setattr(Table, "position", read_before_the_other_appends)
    append_numbered(ALERT_EVENTS, lake, rows("own"))
    assert [row["reason"] for row in read_numbered(ALERT_EVENTS, lake)] == ["other", "own"]
