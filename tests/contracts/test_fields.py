"""One declaration gives two schemas: the struct that the server decodes into, and the types of a table."""

import json
import math
from datetime import UTC, datetime

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.contracts.fields import DTYPES, Field, make_struct, parse_fields, polars_schema
from mlops_lab.errors import InvalidInput

DECLARED = {"s": "string", "i": "integer", "f": "float", "b": "boolean", "t": "datetime", "o": "float?", "p": "string?"}
FIELDS = parse_fields(DECLARED, where="source.request")
REQUEST = make_struct("Request", FIELDS, id=str)
GOOD = {"s": "x", "i": 1, "f": 0.5, "b": True, "t": "2013-03-01T05:00:00Z", "o": None, "p": "y", "id": "1"}


def decode(**changes: object):
    body = {name: value for name, value in {**GOOD, **changes}.items() if value is not ...}
    return msgspec.json.decode(json.dumps(body), type=REQUEST)


def test_a_declaration_is_read():
    assert parse_fields({"a": "string", "b": "integer?"}, where="x") == (
        Field("a", "string", nullable=False),
        Field("b", "integer", nullable=True),
    )
    assert polars_schema(FIELDS) == {name: DTYPES[kind.removesuffix("?")] for name, kind in DECLARED.items()}


@pytest.mark.parametrize("kind", ["", "?", "text", "String", "string??", "int", "float ?", "datetime!"])
def test_an_unknown_type_is_named_with_its_key(kind):
    with pytest.raises(InvalidInput) as caught:
        parse_fields({"a": "string", "wrong": kind}, where="source.request")
    assert caught.value.where == "mlops.toml, key source.request.wrong"
    assert "datetime" in caught.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"o": ..., "p": ..., "id": ...},
        {"f": 1},
        {"i": -(2**63)},
        {"i": 2**63 - 1},
        {"s": ""},
        {"t": "2013-03-01T00:00:00-05:00"},
        {"t": "2013-03-01T05:00:00.123456Z"},
    ],
)
def test_values_that_fit_are_accepted(changes):
    decoded = decode(**changes)
    assert decoded.t.tzinfo is not None
    assert isinstance(decoded.f, float)
    if changes.get("o") is ...:
        assert (decoded.o, decoded.p, decoded.id) == (None, None, None)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"s": ...}, "missing required field `s`"),
        ({"unknown": 1}, "unknown field `unknown`"),
        ({"s": None}, "$.s"),
        ({"s": 1}, "$.s"),
        ({"i": 1.5}, "$.i"),
        ({"i": "1"}, "$.i"),
        ({"i": True}, "$.i"),
        ({"i": 2**63}, "$.i"),
        ({"i": -(2**63) - 1}, "$.i"),
        ({"f": "0.5"}, "$.f"),
        ({"f": True}, "$.f"),
        ({"b": 1}, "$.b"),
        ({"b": "true"}, "$.b"),
        ({"t": "2013-03-01T05:00:00"}, "$.t"),
        ({"t": "2013-03-01"}, "$.t"),
        ({"t": "noon"}, "$.t"),
        ({"t": 1362114000}, "$.t"),
        ({"o": "0.5"}, "$.o"),
        ({"id": 5}, "$.id"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(changes, named):
    with pytest.raises(msgspec.ValidationError) as caught:
        decode(**changes)
    assert named in str(caught.value)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e400"])
def test_json_cannot_contain_nan_or_infinity(text):
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(json.dumps(GOOD).replace("0.5", text), type=REQUEST)


VALUES = {
    "string": st.text(max_size=5),
    "integer": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "datetime": st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
}
declarations = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True).filter(lambda name: not name.startswith("__")),
    st.tuples(st.sampled_from(sorted(DTYPES)), st.booleans()),
    min_size=1,
    max_size=5,
)


@given(declarations, st.data())
def test_a_request_that_the_struct_accepts_fits_the_table(declared, data):
    """The two readings of one declaration agree: nothing is lost between them."""
    fields = parse_fields({name: kind + "?" * null for name, (kind, null) in declared.items()}, where="x")
    row = {
        name: data.draw(st.none() | VALUES[kind] if nullable else VALUES[kind])
        for name, (kind, nullable) in declared.items()
    }
    decoded = msgspec.json.decode(msgspec.json.encode(row), type=make_struct("Row", fields))
    seen = msgspec.structs.asdict(decoded)
    row = {name: value.strip() if isinstance(value, str) else value for name, value in row.items()}
    assert seen == row
    assert pl.DataFrame([seen], schema=polars_schema(fields)).row(0, named=True) == row


@given(declarations, st.data())
def test_a_required_field_may_not_be_left_out(declared, data):
    fields = parse_fields({name: kind + "?" * null for name, (kind, null) in declared.items()}, where="x")
    row = {name: data.draw(VALUES[kind]) for name, (kind, _) in declared.items()}
    gone = data.draw(st.sampled_from(sorted(row)))
    left = {name: value for name, value in row.items() if name != gone}
    struct = make_struct("Row", fields)
    if declared[gone][1]:
        assert getattr(msgspec.json.decode(msgspec.json.encode(left), type=struct), gone) is None
    else:
        with pytest.raises(msgspec.ValidationError, match=gone):
            msgspec.json.decode(msgspec.json.encode(left), type=struct)


def test_a_field_can_have_the_name_of_a_python_keyword():
    struct = make_struct("Row", parse_fields({"class": "string", "from": "integer?", "self": "float"}, where="x"))
    row = {"class": "a", "from": 1, "self": 0.5}
    assert msgspec.structs.asdict(msgspec.json.decode(msgspec.json.encode(row), type=struct)) == row


def test_numbers_keep_their_bits():
    value = math.nextafter(0.1, 1)
    assert decode(f=value).f == value


def test_text_loses_the_spaces_around_it() -> None:
    struct = make_struct("Row", parse_fields({"city": "string?", "at": "datetime?"}, where="x"), past=["at"], id=str)
    row = msgspec.convert({"city": " K öln\t", "id": " 7 "}, struct)
    assert (row.city, row.id, row.at) == ("K öln", "7", None)
    assert msgspec.convert({"city": "Bonn"}, struct).id is None
