"""What a client meets at /v1/predict, on a real server."""

from __future__ import annotations

import json
import socket
from datetime import timedelta
from typing import Any

import pytest
from running import Server, Talk
from synthetic import World, ask, day_begin

from mlops_lab import clock
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake

GOOD = {
    "asked_at": "2024-03-25T09:30:00+01:00",
    "depot": "b",
    "customer": "k1",
    "items": 3,
    "distance": 12.25,
    "weight": 1.5,
    "express": False,
}


@pytest.fixture(scope="module")
def talk(shared_server: Server) -> Talk:
    return shared_server.talk()


def assert_told(answer: dict[str, Any]) -> dict[str, Any]:
    """The error of an answer: code, what, where and hint, and nothing else; beside it, by what id the log knows it."""
    assert answer.keys() == {"error", "request_id"}
    assert answer["request_id"]
    error = answer["error"]
    assert error.keys() == {"code", "what", "where", "hint"}
    assert all(error.values()), error
    return error


def test_a_request_is_answered_and_written_down(server: Server, world: World) -> None:
    row = world.parcels.filter(world.parcels["asked_at"] >= day_begin(24)).row(0, named=True)
    talk = server.talk()

    answer = talk.predict(ask(row))

    assert answer.keys() - {"missing"} == {"id", "output", "version", "role"}
    assert answer["id"] == row["parcel_id"]
    assert 0 < answer["output"] < 1
    assert (answer["version"], answer["role"]) == (1, "champion")
    assert talk.status["pending"] == 1
    lake = Lake(server.project.lake_path)
    ingest_journal(server.project, lake)
    (logged,) = lake.read("predictions").to_dicts()
    assert logged["id"] == row["parcel_id"]
    assert logged["at"] == row["asked_at"]
    assert logged["output"] == answer["output"]
    assert (logged["version"], logged["role"]) == (1, "champion")
    for name in ("depot", "customer", "items", "distance", "weight", "express"):
        assert logged[name] == row[name]


def test_the_server_names_a_request_without_an_id(talk: Talk) -> None:
    first, second = talk.predict(GOOD), talk.predict(GOOD)
    assert first["id"]
    assert second["id"]
    assert first["id"] != second["id"]
    assert first["output"] == second["output"]
    assert talk.predict({**GOOD, "id": None})["id"] not in {first["id"], second["id"], None}


def test_nullable_fields_may_be_null_or_absent(talk: Talk) -> None:
    bare = {name: value for name, value in GOOD.items() if name not in {"customer", "weight", "express"}}
    nulls = {**GOOD, "customer": None, "weight": None, "express": None}
    assert talk.predict(bare)["output"] == talk.predict(nulls)["output"]


def test_an_unseen_category_is_answered(talk: Talk) -> None:
    assert 0 < talk.predict({**GOOD, "depot": "nowhere \u2603 \U0001f4e6"})["output"] < 1


def test_the_same_id_gets_the_same_answer_and_is_logged_once(talk: Talk) -> None:
    request = {"id": "again", **GOOD}
    first = talk.predict(request)
    position = talk.status["position"]
    assert talk.predict(request) == first
    assert talk.predict({**request, "asked_at": "2024-03-25T08:30:00Z"}) == first, "the same moment, written otherwise"
    assert talk.status["position"] == position


@pytest.mark.parametrize("change", [{"items": 4}, {"weight": None}, {"asked_at": "2024-03-25T09:30:00Z"}])
def test_the_same_id_with_another_content_is_refused(talk: Talk, change: dict[str, Any]) -> None:
    talk.predict({"id": "other", **GOOD})
    position = talk.status["position"]
    status, answer = talk.post("/v1/predict", {"id": "other", **GOOD, **change})
    assert status == 409
    error = assert_told(answer)
    assert error["code"] == "id_reused"
    assert error["where"] == "$.id"
    assert talk.status["position"] == position


def test_a_clock_that_is_a_little_fast_is_forgiven(talk: Talk) -> None:
    assert talk.predict({**GOOD, "asked_at": (clock.now() + timedelta(hours=20)).isoformat()})["version"] == 1


def without(name: str) -> bytes:
    return json.dumps({key: value for key, value in GOOD.items() if key != name}).encode()


def with_(text: str, **changes: Any) -> bytes:
    """GOOD with changes; `?` in it is replaced by the text, so that what JSON cannot say can be sent too."""
    return json.dumps({**GOOD, **changes}).replace('"?"', text).encode()


BAD_REQUESTS = {
    "missing": (without("items"), "$", "items"),
    "missing time": (without("asked_at"), "$", "asked_at"),
    "unknown": (with_("", colour="red"), "$", "colour"),
    "outcome field": (with_("", late=True), "$", "late"),
    "null": (with_("", items=None), "$.items", "int"),
    "text for a number": (with_("", items="3"), "$.items", "int"),
    "fraction for an integer": (with_("", items=3.5), "$.items", "int"),
    "truth for an integer": (with_("", items=True), "$.items", "int"),
    "number for text": (with_("", depot=3), "$.depot", "str"),
    "list for text": (with_("", depot=["b"]), "$.depot", "str"),
    "number for a truth": (with_("", express=1), "$.express", "bool"),
    "number for an id": (with_("", id=17), "$.id", "str"),
    "huge integer": (with_("9" * 40, items="?"), "$.items", ""),
    "beyond 64 bits": (with_("9223372036854775808", items="?"), "$.items", ""),
    "number beyond a float": (with_("1e999", distance="?"), "", ""),
    "NaN": (with_("NaN", distance="?"), "$", "JSON"),
    "Infinity": (with_("-Infinity", distance="?"), "$", "JSON"),
    "naive moment": (with_("", asked_at="2024-03-25T09:30:00"), "$.asked_at", ""),
    "day only": (with_("", asked_at="2024-03-25"), "$.asked_at", ""),
    "no moment": (with_("", asked_at="soon"), "$.asked_at", ""),
    "February 30": (with_("", asked_at="2024-02-30T09:30:00Z"), "$.asked_at", ""),
    "in the future": (with_("", asked_at=(clock.now() + timedelta(days=2)).isoformat()), "$", "future"),
    "beyond nanoseconds": (with_("", asked_at="2300-01-01T00:00:00Z"), "$", "asked_at"),
    "before the year 1": (with_("", asked_at="0001-01-01T00:00:00+23:59"), "$", "asked_at"),
    "after the year 9999": (with_("", asked_at="9999-12-31T23:59:59-00:01"), "$", "asked_at"),
    "seconds since 1970": (with_("", asked_at=1711355400), "$.asked_at", ""),
    "empty": (b"", "$", "JSON"),
    "white space": (b"  \n", "$", "JSON"),
    "not JSON": (b"depot=b&items=3", "$", "JSON"),
    "cut off": (json.dumps(GOOD).encode()[:-1], "$", "JSON"),
    "two objects": (json.dumps(GOOD).encode() * 2, "$", "JSON"),
    "list of no objects": (b"[17]", "$[0]", "object"),
    "list with one that is bad": (json.dumps([GOOD, {**GOOD, "depot": 1}]).encode(), "$[1].depot", "str"),
    "null body": (b"null", "$", "object"),
    "number": (b"17", "$", "object"),
    "deep list": (b"[" * 100_000, "$", ""),
    "deep object": (b'{"a":' * 100_000, "$", ""),
    "deep field": (with_("[" * 100_000, depot="?"), "$", ""),
    "not UTF-8": (with_("", depot="?").replace(b"?", b"\xff\xfe"), "", ""),
    "lone surrogate": (with_('"\\ud800"', depot="?"), "", ""),
    "UTF-16": (json.dumps(GOOD).encode("utf-16"), "$", "JSON"),
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_a_bad_request_is_refused_and_nothing_is_logged(talk: Talk, name: str) -> None:
    body, where, what = BAD_REQUESTS[name]
    position = talk.status["position"]

    status, answer = talk.send("POST", "/v1/predict", body)

    assert status == 400
    error = assert_told(answer)
    assert error["where"].startswith(where or "$")
    assert what in error["what"]
    assert talk.status["position"] == position
    assert talk.predict(GOOD)["version"] == 1


def test_a_body_that_is_too_large_is_refused(talk: Talk) -> None:
    body = json.dumps({**GOOD, "depot": "x" * (8 * 1024 * 1024)}).encode()
    status, answer = talk.send("POST", "/v1/predict", body)
    assert status == 413
    assert assert_told(answer)["code"] == "body_too_large"
    assert talk.predict(GOOD)["version"] == 1


def test_a_body_that_is_just_small_enough_is_answered(talk: Talk) -> None:
    room = 8 * 1024 * 1024 - len(json.dumps({**GOOD, "depot": ""}))
    assert talk.predict({**GOOD, "depot": "x" * room})["version"] == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/v1/predict", "/v1/outcomes", "/v1/tables/traffic/rows"])
def test_a_wrong_method_is_refused(talk: Talk, method: str, path: str) -> None:
    status, answer = talk.send(method, path)
    assert status == 405
    error = assert_told(answer)
    assert error["code"] == "wrong_method"
    assert "POST" in error["hint"]


@pytest.mark.parametrize("path", ["/v1/status", "/healthz"])
def test_what_is_only_read_cannot_be_posted_to(talk: Talk, path: str) -> None:
    status, answer = talk.post(path, {})
    assert status == 405
    assert assert_told(answer)["code"] == "wrong_method"


@pytest.mark.parametrize("path", ["/v1", "/v1/predict/", "/v1/tables//rows", "/%ff%00", "/metric"])
def test_an_unknown_route_is_told_what_routes_there_are(talk: Talk, path: str) -> None:
    status, answer = talk.send("GET", path)
    assert status == 404
    error = assert_told(answer)
    assert error["code"] == "unknown_route"
    assert "/v1/predict" in error["hint"]


def test_a_client_that_goes_away_harms_nobody(shared_server: Server, talk: Talk) -> None:
    address = shared_server.process.address
    for text in (
        b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{",
        b"\x16\x03\x01garbage\r\n\r\n",
    ):
        with socket.create_connection((address.host, address.port), 10) as connection:
            connection.sendall(text)
    assert talk.predict(GOOD)["version"] == 1


def test_healthz_answers_without_a_token(talk: Talk) -> None:
    assert talk.send("GET", "/healthz", headers={}) == (200, {"status": "ok"})
