"""What is told of a day is told as long as the version that it is about is the champion."""

from datetime import UTC, datetime

import msgspec

from mlops_lab.tables.day_warnings import DayWarnings, read_day_warnings


def test_it_is_about_one_version(tmp_path):
    path = tmp_path / "warnings.json"
    assert read_day_warnings(path, champion=1) == ()
    path.write_bytes(msgspec.json.encode(DayWarnings(datetime(2026, 3, 1, tzinfo=UTC), 1, ("a", "b"))))
    assert read_day_warnings(path, champion=1) == ("a", "b")
    assert read_day_warnings(path, champion=2) == ()
    path.write_text("{")
    assert read_day_warnings(path, champion=1) == ()
