"""Requests are read up to the limits; what is wrong with a body is said with its field."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.contracts.fields import make_row_types, parse_fields
from mlops_lab.errors import InvalidInput, NotFound, TooLarge, TooSlow
from mlops_lab.serving.http.messages import (
    Request,
    bad_field,
    decode_body,
    error_response,
    make_decoder,
    make_list_decoder,
    take_nan,
)


class Row(msgspec.Struct, forbid_unknown_fields=True):
    items: int


class Rows(msgspec.Struct):
    rows: list[Row]


decode_rows = msgspec.json.Decoder(Rows).decode


def read_body(parts: list[bytes], *, max_body_bytes: int = 1000, seconds: float = 5.0, ends: bool = True) -> bytes:
    """The body of a request that arrives in these parts; without an end, the client closes the connection, or waits."""
    messages: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": not ends or index < len(parts) - 1}
        for index, part in enumerate(parts)
    ]

    async def receive() -> MutableMapping[str, Any]:
        if messages:
            return messages.pop(0)
        await asyncio.sleep(60)
        raise AssertionError

    scope = {"method": "POST", "path": "/", "headers": []}
    return asyncio.run(Request(scope, receive, max_body_bytes=max_body_bytes, max_seconds=seconds).body())


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=8), st.integers(0, 200))
def test_a_body_is_whole_or_too_large(parts: list[bytes], limit: int) -> None:
    whole = b"".join(parts)
    if len(whole) <= limit:
        assert read_body(parts, max_body_bytes=limit) == whole
    else:
        with pytest.raises(TooLarge) as caught:
            read_body(parts, max_body_bytes=limit)
        assert caught.value.code == "body_too_large"
        assert f"{limit:,}" in caught.value.what


def test_a_body_that_does_not_end_is_too_slow() -> None:
    with pytest.raises(TooSlow) as caught:
        read_body([b"{"], seconds=0.05, ends=False)
    assert caught.value.code == "request_too_slow"


def test_a_client_that_closes_the_connection_ends_the_request() -> None:
    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    scope = {"method": "POST", "path": "/", "headers": []}
    request = Request(scope, receive, max_body_bytes=10, max_seconds=5.0)
    with pytest.raises(TooSlow) as caught:
        asyncio.run(request.body())
    assert caught.value.code == "disconnected"


def test_a_header_is_found_by_its_name_and_the_first_one_counts() -> None:
    async def receive() -> MutableMapping[str, Any]:
        raise NotImplementedError

    headers = [(b"content-type", b"text/csv"), (b"content-type", b"text/html"), (b"empty", b"")]
    request = Request({"method": "GET", "path": "/", "headers": headers}, receive, max_body_bytes=1, max_seconds=1)
    assert request.header(b"content-type") == b"text/csv"
    assert request.header(b"empty") == b""
    assert request.header(b"other") is None


@pytest.mark.parametrize(
    ("body", "code", "where"),
    [
        (b'{"rows": [{"items": 1}, {"items": "2"}]}', "invalid_request", "$.rows[1].items"),
        (b'{"rows": [{"items": 1, "more": 2}]}', "invalid_request", "$.rows[0]"),
        (b"[]", "invalid_request", "$"),
        (b"{", "invalid_json", "$"),
        (b"", "invalid_json", "$"),
        (b'{"rows": [{"items": 1, "\xff": 1}]}', "invalid_json", "$"),
    ],
)
def test_what_is_wrong_with_a_body_is_said_with_its_field(body: bytes, code: str, where: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_body(decode_rows, body)
    assert (caught.value.code, caught.value.where) == (code, where)
    assert caught.value.hint


@pytest.mark.parametrize("body", [b"[" * 100_000, b'"\xff"', b'"\\ud800"', b"NaN"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_body(msgspec.json.Decoder(Any).decode, body)
    assert (caught.value.code, caught.value.where) == ("invalid_json", "$")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": [NaN, 1.5], "b": "NaN"}', {"a": [None, 1.5], "b": "NaN"}),
        (b'{"a": NaN}', {"a": None}),
        (b'["Infinity", NaN]', ["Infinity", None]),
        (b"[1]", [1]),
    ],
)
def test_nan_stands_for_null_where_it_is_taken(body: bytes, expected: Any) -> None:
    assert decode_body(take_nan(msgspec.json.Decoder(Any).decode), body) == expected


@pytest.mark.parametrize(
    "body", [b"[Infinity]", b"[-Infinity, NaN]", b"[NaN", b'["NaN"', b'{"NaN": NaN, }', b"[" * 100_000 + b"NaN"]
)
def test_other_numbers_that_json_does_not_have_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_body(take_nan(msgspec.json.Decoder(Any).decode), body)
    assert caught.value.code == "invalid_json"


@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_refused(body: bytes) -> None:
    try:
        decoded = decode_body(msgspec.json.Decoder(Any).decode, body)
    except InvalidInput as error:
        assert error.code == "invalid_json"
    else:
        assert decoded == msgspec.json.decode(body)


def test_a_field_of_a_part_is_named_from_the_whole() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert([{"items": 1}, {"items": None}], list[Row])
    assert bad_field(caught.value, "rows").where == "rows[1].items"


def test_an_error_becomes_a_json_object_with_the_id_of_the_request() -> None:
    response = error_response(NotFound("no such thing", code="nothing", where="url", hint="look elsewhere"), "r-1")
    assert response.status == 404
    assert json.loads(response.body) == {
        "error": {"code": "nothing", "what": "no such thing", "where": "url", "hint": "look elsewhere"},
        "request_id": "r-1",
    }


@pytest.mark.parametrize(
    ("body", "items"),
    [
        (b'{"rows": [{"items": 3}, {"items": 3.0}]}', [3, 3]),
        (b'{"rows": [{"items": -2e2}]}', [-200]),
        (b'{"rows": [{"items": 3.5}]}', None),
        (b'{"rows": [{"items": 1e300}]}', None),
        (b'{"rows": [{"items": 3.0}, {"items": "3"}]}', None),
    ],
)
def test_a_whole_float_is_an_integer(body: bytes, items: list[int] | None) -> None:
    decode = make_decoder(Rows)
    if items is None:
        with pytest.raises(InvalidInput) as caught:
            decode_body(decode, body)
        assert (caught.value.code, caught.value.where[-6:]) == ("invalid_request", ".items")
    else:
        assert [row.items for row in decode_body(decode, body).rows] == items


def test_one_of_the_allowed_texts_may_have_spaces_around_it() -> None:
    class Colour(msgspec.Struct):
        colour: Literal["red", "green"]

    assert decode_body(make_decoder(Colour), b'{"colour": " red"}').colour == "red"
    with pytest.raises(InvalidInput):
        decode_body(make_decoder(Colour), b'{"colour": " blue"}')


LISTED = make_row_types("Row", parse_fields({"city": "string", "at": "datetime", "items": "integer"}, where="x"))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"city": " Bonn "},
        {"items": 3.0},
        {"items": 3.5},
        {"at": "1600-01-01T00:00:00Z"},
        {"at": "2013-01-01"},
        {"more": 1},
    ],
)
def test_a_list_is_decoded_as_each_of_its_rows_would_be(changed: dict[str, Any]) -> None:
    row = {"city": "Bonn", "at": "2013-01-01T00:00:00Z", "items": 3}
    body = json.dumps([row, {**row, **changed}, {**row, "items": "x"} if changed.get("items") == 3.5 else row]).encode()

    def decode(decoder: Any) -> Any:
        try:
            return [msgspec.structs.asdict(item) for item in decode_body(decoder, body)]
        except InvalidInput as error:
            return error.as_dict()

    one_by_one = decode(make_decoder(list[LISTED.checked]))  # type: ignore[name-defined]
    assert decode(make_list_decoder(LISTED)) == one_by_one
    assert isinstance(one_by_one, list) == (changed.keys() <= {"city", "items"} and changed.get("items") != 3.5)
