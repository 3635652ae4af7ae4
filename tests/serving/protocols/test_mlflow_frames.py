"""MLflow's forms of a data frame: the same rows come out of each, and what is wrong is said with its place."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import InvalidInput
from mlops_lab.serving.protocols.mlflow_frames import MISSING, MLFLOW_FORMS, parse_cell, read_csv_frame, read_json_frame

KINDS = {"depot": "string", "items": "integer", "weight": "float", "express": "boolean", "asked_at": "datetime"}
ROWS = [
    {"depot": "a", "items": 3, "weight": 1.5, "express": True, "asked_at": "2024-03-25T09:30:00Z"},
    {"depot": 'b, "x"\n', "items": -1, "weight": None, "express": False, "asked_at": "2024-03-25T09:30:00+01:00"},
]
cells = st.none() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
frames = st.lists(st.text(), min_size=1, max_size=4, unique=True).flatmap(
    lambda names: st.lists(st.fixed_dictionaries(dict.fromkeys(names, cells)), min_size=1, max_size=4)
)


def write_forms(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = list(rows[0])
    columns = {name: [row[name] for row in rows] for name in names}
    split = {"columns": names, "data": [[row[name] for name in names] for row in rows]}
    return [
        {"dataframe_split": split},
        {"dataframe_split": {**split, "index": [5, 6]}},
        {"dataframe_records": rows},
        {"inputs": rows},
        {"inputs": columns},
        {"instances": rows, "params": {"more": 1}},
        {"instances": columns},
    ]


def write_csv(rows: list[dict[str, Any]]) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


@given(frames)
def test_each_form_of_json_holds_the_same_rows(rows: list[dict[str, Any]]) -> None:
    for form in write_forms(rows):
        try:
            body = json.dumps(form, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # a lone surrogate
            continue
        assert read_json_frame(body, MLFLOW_FORMS) == rows


def test_csv_holds_the_same_rows_by_the_kinds_of_the_fields() -> None:
    assert read_csv_frame(write_csv(ROWS), KINDS) == ROWS
    assert read_csv_frame(b"\xef\xbb\xbf" + write_csv(ROWS), KINDS) == ROWS


def test_nan_is_a_missing_number_in_json() -> None:
    body = json.dumps({"inputs": [{"a": math.nan, "b": 1, "c": "NaN"}]}).encode()
    assert read_json_frame(body, MLFLOW_FORMS) == [{"a": None, "b": 1, "c": "NaN"}]


@pytest.mark.parametrize("body", [b'{"inputs": [NaN', b'{"inputs": [{"a": Infinity, "b": NaN}]}', b"NaN", b""])
def test_what_is_neither_json_nor_nan_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_json_frame(body, MLFLOW_FORMS)


@pytest.mark.parametrize(
    ("cell", "kind", "value"),
    [
        ("3", "integer", 3),
        ("+3", "integer", 3),
        ("3.0", "integer", 3.0),
        ("1e3", "integer", 1000.0),
        ("9" * 30, "integer", float("9" * 30)),
        (" 1.5 ", "float", 1.5),
        (".5", "float", 0.5),
        ("-1E-3", "float", -0.001),
        ("1_000", "float", "1_000"),
        ("inf", "float", "inf"),
        ("٣", "integer", "٣"),
        ("TRUE", "boolean", True),
        ("false", "boolean", False),
        ("1", "boolean", "1"),
        ("NA", "string", "NA"),
        ("", "string", None),
        (" ", "string", " "),
        ("NA", None, None),
        ("x", None, "x"),
        ("2024-03-25", "datetime", "2024-03-25"),
    ],
)
def test_a_cell_is_what_its_field_says(cell: str, kind: str | None, value: Any) -> None:
    parsed = parse_cell(cell, kind)
    assert (parsed, type(parsed)) == (value, type(value))


@given(st.sampled_from(sorted(MISSING)), st.sampled_from(["integer", "float", "boolean", "datetime", None]))
def test_a_missing_value_has_many_names_except_in_text(cell: str, kind: str | None) -> None:
    assert parse_cell(cell, kind) is None
    assert parse_cell(cell, "string") == (cell or None)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_read_as_it_was_written(value: float) -> None:
    assert parse_cell(repr(value), "float") == value


@pytest.mark.parametrize(
    "body",
    [
        b'{"dataframe_split": {"columns": ["items"], "data": [[1]]}}',
        b'[{"items": 1}]',
        b"<html><body>items</body></html>",
        b"items;ratio\n1;2.5\n",
        b"1,2.5\n3,4.5\n",
        b"items\tratio\n1\t2\n",
        b"\n\n",
        b"PK\x03\x04",
    ],
)
def test_what_is_no_csv_with_a_header_is_one_clear_error(body: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_csv_frame(body, {"items": "integer", "ratio": "float"})
    assert caught.value.code == "invalid_csv"
    assert all(caught.value.as_dict().values())
    assert len(str(caught.value)) < 300


@given(st.binary(max_size=80))
def test_any_bytes_are_rows_or_an_error_of_the_client(body: bytes) -> None:
    for read in (lambda data: read_json_frame(data, MLFLOW_FORMS), lambda data: read_csv_frame(data, KINDS)):
        try:
            rows = read(body)
        except InvalidInput as error:
            assert error.code in {"invalid_csv", "invalid_json", "invalid_request"}
            assert error.hint
        else:
            assert all(type(row) is dict for row in rows)
