"""Rows checked one by one and all at once: both find the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab import clock
from mlops_lab.contracts.fields import make_row_types, parse_fields
from mlops_lab.contracts.row_check import CLOCK_SLACK, EARLIEST, LATEST

FIELDS = parse_fields({"city": "string?", "at": "datetime?", "until": "datetime?"}, where="x")
TYPES = make_row_types("Row", FIELDS, past=["at"], id=str)
HOUR = timedelta(hours=1)

texts = st.none() | st.sampled_from(["", "a", " a", "b\n", "ß", "\u3000c", " "])
soon = clock.now() + CLOCK_SLACK
moments = st.none() | st.sampled_from(
    [
        EARLIEST,
        EARLIEST + HOUR,
        datetime(2013, 1, 1, tzinfo=UTC),
        soon - HOUR,
        soon + HOUR,
        LATEST - HOUR,
        LATEST,
    ]
)
rows = st.lists(st.fixed_dictionaries({"city": texts, "at": moments, "until": moments, "id": texts}), max_size=6)


def is_left_alone(row: dict[str, Any]) -> bool:
    try:
        return msgspec.structs.asdict(msgspec.convert(row, TYPES.checked)) == row
    except msgspec.ValidationError:
        return False


@given(rows)
def test_rows_pass_if_the_check_of_each_one_leaves_it_as_it_is(rows: list[dict[str, Any]]) -> None:
    decoded = msgspec.convert(rows, list[TYPES.plain])  # type: ignore[name-defined]
    assert TYPES.check.passes(decoded) == all(map(is_left_alone, rows))


def test_without_texts_and_moments_all_rows_pass() -> None:
    types = make_row_types("Row", parse_fields({"x": "float"}, where="x"))
    assert types.check.passes([types.plain(x=1.0)])
    assert types.check.passes([])
