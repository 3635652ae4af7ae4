"""Tables are checked against their contract: rows that fit get their types, an error says where others do not fit."""

import contextlib
import math
from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.contracts.fields import DTYPES, parse_fields
from mlops_lab.contracts.infer import write_toml
from mlops_lab.contracts.rules import first_broken, rules_of
from mlops_lab.contracts.tables import conform, judge_rows, sort_out
from mlops_lab.errors import InvalidInput
from mlops_lab.notes import listening
from mlops_lab.project import FieldSection

FIELDS = parse_fields(
    {"id": "string", "n": "integer", "x": "float?", "ok": "boolean?", "at": "datetime?", "note": "string?"},
    where="source.request",
)
AT = datetime(2013, 3, 1, 5, tzinfo=UTC)
GOOD = pl.DataFrame({"id": ["a", "b"], "n": [1, 2], "x": [0.5, None], "ok": [True, None], "at": [AT, None], "note": ""})


def with_column(name: str, *values: object, dtype: pl.DataType | type | None = None) -> pl.DataFrame:
    return GOOD.with_columns(pl.Series(name, values, dtype=dtype))


def test_rows_that_fit_are_not_changed():
    checked = conform(GOOD, FIELDS, table="orders")
    assert checked.equals(GOOD)
    assert dict(checked.schema) == {field.name: field.dtype for field in FIELDS}


def test_columns_come_in_the_order_declared():
    assert conform(GOOD.select(reversed(GOOD.columns)), FIELDS, table="orders").columns == GOOD.columns


def test_a_table_without_rows_gets_its_types():
    checked = conform(pl.DataFrame({name: [] for name in GOOD.columns}), FIELDS, table="orders")
    assert dict(checked.schema) == {field.name: field.dtype for field in FIELDS}


@pytest.mark.parametrize(
    ("frame", "code", "where", "what"),
    [
        (GOOD.drop("n"), "missing_column", 'table "orders"', '"n" is missing'),
        (GOOD.drop("n", "x"), "missing_column", 'table "orders"', '"n" is missing'),
        (GOOD.rename({"n": "N"}), "missing_column", 'table "orders"', '"n" is missing'),
        (with_column("n", 1, None), "null_value", 'table "orders", row 1, column "n"', "null"),
        (with_column("id", None, None), "null_value", 'table "orders", row 0, column "id"', "null"),
        (with_column("n", None, None), "null_value", 'table "orders", row 0, column "n"', "null"),
        (with_column("n", 1.5, 2.5), "wrong_type", 'table "orders", column "n"', "expected integer"),
        (with_column("n", "1", "2"), "wrong_type", 'table "orders", column "n"', "expected integer"),
        (with_column("n", "1", "two"), "wrong_type", 'table "orders", row 1, column "n"', "'two', expected integer"),
        (with_column("n", True, False), "wrong_type", 'table "orders", column "n"', "expected integer"),
        (with_column("n", 1, 2**63, dtype=pl.UInt64), "wrong_type", 'table "orders", row 1, column "n"', "9223372036"),
        (with_column("x", "0.5", "half"), "wrong_type", 'table "orders", row 1, column "x"', "'half', expected float"),
        (with_column("x", True, False), "wrong_type", 'table "orders", column "x"', "expected float"),
        (with_column("ok", 1, 2), "wrong_type", 'table "orders", row 1, column "ok"', "2 is not a boolean"),
        (with_column("ok", "yes", "maybe"), "wrong_type", 'table "orders", row 1, column "ok"', "'maybe'"),
        (with_column("ok", "good", "bad"), "wrong_type", 'table "orders", column "ok"', "expected boolean"),
        (with_column("id", 1.5, 2.0), "wrong_type", 'table "orders", column "id"', "expected string"),
        (with_column("id", True, False), "wrong_type", 'table "orders", column "id"', "expected string"),
        (with_column("id", ["a"], ["b"]), "wrong_type", 'table "orders", column "id"', "expected string"),
        (with_column("at", 1, 2), "wrong_type", 'table "orders", column "at"', "expected datetime"),
        (
            with_column("at", "2013-03-01T05:00:00Z", "noon"),
            "wrong_type",
            'table "orders", row 1, column "at"',
            "'noon' is not a datetime",
        ),
        (with_column("at", "noon", "noon"), "wrong_type", 'table "orders", row 0, column "at"', "'noon'"),
        (with_column("at", None, ""), "wrong_type", 'table "orders", row 1, column "at"', "'' is not"),
        (
            with_column("at", "2013-03-01T05:00:00Z", "2013-02-30T05:00:00Z"),
            "wrong_type",
            'table "orders", row 1, column "at"',
            "2013-02-30",
        ),
    ],
)
def test_an_error_names_column_and_row(frame, code, where, what):
    with pytest.raises(InvalidInput) as caught:
        conform(frame, FIELDS, table="orders")
    assert (caught.value.code, caught.value.where) == (code, where)
    assert what in caught.value.what
    assert caught.value.hint


def test_a_column_that_is_not_declared_is_told_and_left_out():
    notes: list[str] = []
    with listening(notes.append):
        assert conform(GOOD.with_columns(extra=1), FIELDS, table="orders").equals(GOOD)
    assert notes == ['table "orders": "extra" is ignored, because mlops.toml does not declare it']


def test_rows_are_judged_each_by_itself():
    rows = with_column("n", "1", "many").with_columns(id=pl.Series(["a", None]))
    typed, problems = judge_rows(pl.concat([rows, rows.tail(1).with_columns(id=pl.lit("b"))]), FIELDS, table="orders")
    assert typed["n"].to_list() == [1, None, None]
    assert problems.to_list() == [None, "n: 'many' is not an integer", "n: 'many' is not an integer"]
    assert judge_rows(rows.with_columns(n=1), FIELDS, table="orders")[1].to_list() == [None, "id: is missing"]


def test_where_no_row_keeps_the_contract_the_file_is_wrong():
    rows = with_column("n", "few", "many")
    with pytest.raises(InvalidInput, match="expected integer"):
        judge_rows(rows, FIELDS, table="orders")
    assert judge_rows(rows, FIELDS, table="orders", first=7)[1].null_count() == 0


@pytest.mark.parametrize(
    ("frame", "name", "expected"),
    [
        (with_column("x", 1, 2), "x", [1.0, 2.0]),
        (with_column("x", 1, None, dtype=pl.Float32), "x", [1.0, None]),
        (with_column("n", 1, 2, dtype=pl.Int8), "n", [1, 2]),
        (with_column("n", 1.0, 2.0), "n", [1, 2]),
        (with_column("n", 1, 2, dtype=pl.UInt64), "n", [1, 2]),
        (with_column("x", None, None), "x", [None, None]),
        (with_column("note", None, None), "note", [None, None]),
        (with_column("at", "2013-03-01T05:00:00Z", None), "at", [AT, None]),
        (with_column("at", "2013-03-01T00:00:00-05:00", None), "at", [AT, None]),
        (with_column("at", "2013-03-01T05:00:00.000001Z", None), "at", [AT + timedelta(microseconds=1), None]),
        (with_column("at", None, None, dtype=pl.String), "at", [None, None]),
        (with_column("at", AT, None, dtype=pl.Datetime("ns", "UTC")), "at", [AT, None]),
        (with_column("at", AT.replace(tzinfo=None), None), "at", [AT, None]),
        (with_column("at", date(2013, 3, 1), None), "at", [AT.replace(hour=0), None]),
        (with_column("at", "2013-03-01", None), "at", [AT.replace(hour=0), None]),
        (with_column("at", "2013-03-01 05:00", None), "at", [AT, None]),
        (with_column("id", 7, 8), "id", ["7", "8"]),
        (with_column("note", 7.0, None), "note", ["7", None]),
        (with_column("ok", 1, 0), "ok", [True, False]),
        (with_column("ok", 1.0, None), "ok", [True, None]),
        (with_column("ok", "Yes", " FALSE"), "ok", [True, False]),
        (with_column("ok", "0", None), "ok", [False, None]),
    ],
)
def test_values_are_converted_without_loss(frame, name, expected):
    assert conform(frame, FIELDS, table="orders")[name].to_list() == expected


def test_a_moment_in_another_zone_stays_the_same_moment():
    local = with_column("at", AT, None, dtype=pl.Datetime("us", "UTC")).with_columns(
        pl.col("at").dt.convert_time_zone("America/New_York")
    )
    assert conform(local, FIELDS, table="orders")["at"].to_list() == [AT, None]


DECLARED = parse_fields(
    {kind if sure else f"{kind}_null": f"{kind}{'' if sure else '?'}" for kind in DTYPES for sure in (True, False)},
    where="x",
)
KINDS = {
    "string": st.text(max_size=3),
    "integer": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "datetime": st.datetimes(
        datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.sampled_from([UTC, timezone(timedelta(hours=5.5))])
    ),
}


@given(
    st.lists(
        st.tuples(*(KINDS[field.kind] | st.none() if field.nullable else KINDS[field.kind] for field in DECLARED)),
        max_size=6,
    )
)
def test_a_table_that_fits_passes_and_passes_again(cells):
    columns = list(zip(*cells, strict=True)) or [()] * len(DECLARED)
    frame = pl.DataFrame(
        [pl.Series(field.name, column, dtype=field.dtype) for field, column in zip(DECLARED, columns, strict=True)]
    )
    once = conform(frame, DECLARED, table="t")
    assert once.equals(frame)
    assert conform(once, DECLARED, table="t").equals(once)


anything = st.one_of(st.none(), *KINDS.values(), st.dates(), st.binary(max_size=3), st.lists(st.integers(), max_size=2))


@given(st.lists(anything, min_size=1, max_size=4), st.sampled_from(sorted(DTYPES)), st.booleans())
def test_any_column_fits_or_is_named_in_an_error(values, kind, nullable):
    """Any column gives a column of the declared type, or an error that names it."""
    try:
        frame = pl.DataFrame({"c": values}, strict=False)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        return  # no table can hold that
    fields = parse_fields({"c": kind + ("?" if nullable else "")}, where="x")
    try:
        checked = conform(frame, fields, table="t")
    except InvalidInput as error:
        assert 'column "c"' in error.where
        assert error.hint
    else:
        assert checked["c"].dtype == DTYPES[kind]
        assert checked["c"].null_count() == (frame["c"].null_count() if nullable else 0)


def test_of_rows_with_one_key_the_first_is_kept():
    frame = pl.DataFrame({"a": [1, 1, 2, 1], "b": ["x", "y", "x", "x"]})
    good, aside = sort_out(frame, parse_fields({"a": "integer", "b": "string"}, where="t"), table="t", key=["a", "b"])
    assert good.rows() == [(1, "x"), (1, "y"), (2, "x")]
    assert [(row.rule, row.column, row.row) for row in aside] == [("unique", "a, b", '{"a":1,"b":"x"}')]


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab")), max_size=8))
def test_every_key_is_kept_once_and_no_row_is_lost(keys):
    frame = pl.DataFrame(keys, schema={"a": pl.Int64, "b": pl.String}, orient="row")
    good, aside = sort_out(frame, parse_fields({"a": "integer", "b": "string"}, where="t"), table="t", key=["a", "b"])
    assert good.rows() == list(dict.fromkeys(keys))
    assert good.height + len(aside) == len(keys)


SOME = parse_fields(
    {
        "id": "string",
        "n": FieldSection(type="integer?", min=0, max=9),
        "x": FieldSection(type="float?", min=-1.5),
        "kind": FieldSection(type="string?", categories=["a", "b"]),
        "at": "datetime",
    },
    where="t",
)
UNREADABLE = st.sampled_from(["", "soon", "2013-13-01"])
some_rows = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.none() | st.sampled_from("pqr"),
            "n": st.none() | st.integers(-2, 11),
            "x": st.none() | st.floats(-3, 3) | st.sampled_from([math.nan, math.inf]),
            "kind": st.none() | st.sampled_from(["a", "b", "c"]),
            "at": UNREADABLE | st.datetimes(datetime(2013, 1, 1), datetime(2013, 1, 3)).map(lambda at: f"{at:%FT%TZ}"),
        }
    ),
    max_size=8,
)


@given(some_rows)
def test_a_frame_and_its_rows_break_the_same_rules(rows):
    """One declaration, checked for whole columns and for single rows."""
    frame = pl.DataFrame(
        rows, schema={"id": pl.String, "n": pl.Int64, "x": pl.Float64, "kind": pl.String, "at": pl.String}
    )
    good, aside = sort_out(frame, SOME, table="t", key=["id", "at"], order="at")
    assert good.height + len(aside) == len(rows)
    rules, kept = rules_of(SOME), []
    for row in rows:
        with contextlib.suppress(ValueError):
            typed = {**row, "at": datetime.fromisoformat(row["at"])}
            if not first_broken(rules, typed) and (row["id"], row["at"]) not in kept:
                kept.append((row["id"], row["at"]))
    late = sum(row.rule == "monotone" for row in aside)
    assert good.height == len(kept) - late
    assert late or good["id"].to_list() == [name for name, _ in kept]


def test_moments_in_a_declared_format():
    fields = parse_fields({"at": FieldSection(type="datetime", format="%m/%d/%Y %H:%M")}, where="t")
    checked = conform(pl.DataFrame({"at": ["03/01/2013 05:00", "12/31/2013 00:00"]}), fields, table="t")
    assert checked["at"].to_list() == [AT, datetime(2013, 12, 31, tzinfo=UTC)]
    assert write_toml(fields) == 'at = { type = "datetime", format = "%m/%d/%Y %H:%M" }'


def test_a_column_that_may_be_omitted_is_null_or_has_its_default():
    fields = parse_fields(
        {"id": "string", "promo": "string?", "gift": FieldSection(type="string", default="none")}, where="fields"
    )
    assert conform(pl.DataFrame({"id": ["a", "b"]}), fields, table="orders").rows() == [
        ("a", None, "none"),
        ("b", None, "none"),
    ]
