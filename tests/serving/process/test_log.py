"""A line of the server's log is one JSON object, whatever is logged."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.serving.process.log import JsonFormatter


def write_line(message: str, **more: Any) -> dict[str, Any]:
    record = logging.makeLogRecord({"msg": message, "levelname": "ERROR", "created": 1.5, **more})
    text = JsonFormatter(2).format(record)
    assert "\n" not in text
    line: dict[str, Any] = json.loads(text)
    return line


def test_a_line_says_when_how_bad_where_and_what() -> None:
    line = write_line("it failed")
    assert datetime.fromisoformat(line.pop("at")).timestamp() == 1.5
    assert line == {"level": "error", "worker": 2, "what": "it failed"}


def test_what_the_caller_added_is_in_it() -> None:
    line = write_line("it failed", path=Path("/tmp"), request_id="r-1")
    assert (line["path"], line["request_id"]) == ("/tmp", "r-1")


def test_a_trace_is_in_it() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        line = write_line("it failed", exc_info=sys.exc_info())
    assert "ValueError: broken" in line["trace"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_read_again(text: str) -> None:
    assert write_line("%s", args=(text,))["what"] == text
