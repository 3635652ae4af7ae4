"""What becomes of outcomes and of facts that are sent to a real server."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from own_stores import own_lake
from running import Server, Talk

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.serving.http.tokens import ensure_token

ASKED = "2024-03-25T09:30:00Z"
KNOWN = "2024-03-25T12:00:00+00:00"
REQUEST = {"asked_at": ASKED, "depot": "b", "customer": "k1", "items": 3, "distance": 12.25}


def outcome(name: str, **changes: Any) -> dict[str, Any]:
    return {"id": name, "known_at": KNOWN, "late": True, "delay": 20.0, **changes}


def outcomes_table(server: Server) -> pl.DataFrame:
    lake = Lake(server.project.lake_path)
    ingest_journal(server.project, lake)
    return lake.read("outcomes").sort("id", "verdict")


def counts(**changes: int) -> dict[str, int]:
    return {"accepted": 0, "corrected": 0, "duplicate": 0, "conflict": 0, "unknown": 0} | {
        "too_late": 0,
        "too_early": 0,
        **changes,
    }


@pytest.fixture(scope="module")
def talk(shared_server: Server) -> Talk:
    return shared_server.talk()


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token} ", "Bearer \xff"]
)
@pytest.mark.parametrize("path", ["/v1/outcomes", "/v1/tables/traffic/rows"])
def test_without_the_token_nothing_is_changed(
    shared_server: Server, talk: Talk, path: str, authorization: str | None
) -> None:
    token = ensure_token(shared_server.project)
    headers = {} if authorization is None else {"Authorization": authorization.format(token=token)}
    if authorization == "Bearer {token} ":
        headers = {"Authorization": f"Bearer {token}x"}  # HTTP strips a trailing blank
    position = talk.status["position"]

    status, answer = talk.send("POST", path, b'{"outcomes":[],"rows":[]}', headers=headers)

    assert status == 401
    assert answer["error"]["code"] == "bad_token"
    assert all(answer["error"].values())
    assert token not in str(answer)
    assert talk.status["position"] == position


def test_the_token_is_for_its_owner_only(shared_server: Server) -> None:
    assert shared_server.project.token_path.stat().st_mode & 0o077 == 0


def test_an_outcome_is_joined_to_its_prediction(server: Server) -> None:
    talk = server.talk()
    answer = talk.predict({"id": "one", **REQUEST})
    assert talk.status["pending"] == 1

    assert talk.tell([outcome("one")]) == {"counts": counts(accepted=1), "problems": []}

    assert talk.status["pending"] == 0
    (row,) = outcomes_table(server).to_dicts()
    assert row["verdict"] == "accepted"
    assert row["output"] == answer["output"]
    assert (row["version"], row["role"]) == (1, "champion")
    assert (row["late"], row["delay"]) == (True, 20.0)
    assert row["predicted_at"].isoformat() == "2024-03-25T09:30:00+00:00"
    assert row["known_at"].isoformat() == KNOWN


def test_the_same_outcome_again_is_ignored(server: Server) -> None:
    talk = server.talk()
    talk.predict({"id": "one", **REQUEST})
    told = talk.tell([outcome("one"), outcome("one")])
    assert told == {"counts": counts(accepted=1, duplicate=1), "problems": []}
    position = talk.status["position"]
    told = talk.tell([outcome("one", known_at="2024-03-25T13:00:00+01:00")])
    assert told == {"counts": counts(duplicate=1), "problems": []}
    assert talk.status["position"] == position
    assert outcomes_table(server)["verdict"].to_list() == ["accepted"]


def test_a_different_outcome_is_refused_and_recorded(server: Server) -> None:
    talk = server.talk()
    talk.predict({"id": "one", **REQUEST})
    talk.predict({"id": "two", **REQUEST})
    talk.tell([outcome("one")])

    told = talk.tell([outcome("one", late=False), outcome("two"), outcome("two", delay=None)])

    assert told["counts"] == counts(accepted=1, conflict=2)
    assert [problem["where"] for problem in told["problems"]] == ["$.outcomes[0]", "$.outcomes[2]"]
    for problem in told["problems"]:
        assert problem["code"] == "conflicting_outcome"
        assert all(problem.values())
    table = outcomes_table(server)
    assert table.select("id", "verdict", "late", "delay").rows() == [
        ("one", "accepted", True, 20.0),
        ("one", "conflict", False, 20.0),
        ("two", "accepted", True, 20.0),
        ("two", "conflict", True, None),
    ]


@own_lake
def test_an_outcome_of_nothing_is_kept_aside(server: Server) -> None:
    talk = server.talk()
    told = talk.tell([outcome("nobody")])
    assert told["counts"] == counts(unknown=1)
    (problem,) = told["problems"]
    assert problem["code"] == "unknown_prediction"
    assert all(problem.values())
    (row,) = outcomes_table(server).to_dicts()
    assert (row["id"], row["verdict"], row["late"], row["output"]) == ("nobody", "unknown", True, None)


def test_an_outcome_from_before_its_prediction_changes_nothing(server: Server) -> None:
    talk = server.talk()
    talk.predict({"id": "one", **REQUEST})
    talk.predict({"id": "two", **REQUEST})
    before = talk.status

    status, answer = talk.post(
        "/v1/outcomes", {"outcomes": [outcome("one"), outcome("two", known_at="2024-03-25T09:29:59Z")]}
    )

    assert status == 400
    error = answer["error"]
    assert error["code"] == "outcome_too_early"
    assert error["where"] == "$.outcomes[1].known_at"
    assert all(error.values())
    assert talk.status == before, "the good outcome beside it was not taken either"
    assert talk.tell([outcome("one"), outcome("two", known_at=ASKED)])["counts"] == counts(accepted=2)


BAD_OUTCOMES = {
    "no list": {"outcomes": {}},
    "missing list": {},
    "unknown beside it": {"outcomes": [], "more": 1},
    "missing id": {"outcomes": [{"known_at": KNOWN, "late": True}]},
    "missing moment": {"outcomes": [{"id": "a", "late": True}]},
    "missing label": {"outcomes": [{"id": "a", "known_at": KNOWN}]},
    "null label": {"outcomes": [outcome("a", late=None)]},
    "ill-typed label": {"outcomes": [outcome("a", late="yes")]},
    "ill-typed value": {"outcomes": [outcome("a", delay="20")]},
    "naive moment": {"outcomes": [outcome("a", known_at="2024-03-25T12:00:00")]},
    "known in the future": {"outcomes": [outcome("a", known_at="2200-01-01T00:00:00Z")]},
    "moment before the year 1": {"outcomes": [outcome("a", known_at="0001-01-01T00:00:00+23:59")]},
    "unknown field": {"outcomes": [outcome("a", colour="red")]},
    "the second is bad": {"outcomes": [outcome("good"), outcome("a", late=1)]},
}


@pytest.mark.parametrize("name", BAD_OUTCOMES)
def test_bad_outcomes_are_refused_with_their_place(talk: Talk, name: str) -> None:
    position = talk.status["position"]
    status, answer = talk.post("/v1/outcomes", BAD_OUTCOMES[name])
    assert status == 400
    assert all(answer["error"].values())
    assert answer["error"]["where"].startswith("$")
    if "second" in name:
        assert answer["error"]["where"] == "$.outcomes[1].late"
    assert talk.status["position"] == position


def test_no_outcomes_are_no_problem(talk: Talk) -> None:
    assert talk.tell([]) == {"counts": counts(), "problems": []}


def test_facts_are_taken_once_and_never_rewritten(server: Server) -> None:
    talk = server.talk()
    row = {"depot": "b", "seen_at": "2024-03-25T09:00:00Z", "load": 1.5}
    before = talk.predict(REQUEST)["output"]

    assert talk.add("traffic", [row, row]) == {"accepted": 1, "duplicate": 1}
    assert talk.add("traffic", [row]) == {"accepted": 0, "duplicate": 1}
    position = talk.status["position"]
    later = {**row, "seen_at": "2024-03-25T09:00:01Z"}
    for rows in ([{**row, "load": 2.0}], [later, {**row, "load": None}]):
        status, answer = talk.post("/v1/tables/traffic/rows", {"rows": rows})
        assert status == 409
        assert answer["error"]["code"] == "conflicting_fact"
        assert all(answer["error"].values())
    assert talk.status["position"] == position, "nothing of a refused batch was taken"
    talk.add("traffic", [{**later, "load": 16.0}])

    lake = Lake(server.project.lake_path)
    rows = lake.read("traffic").height
    ingest_journal(server.project, lake)
    assert lake.read("traffic").height == rows + 2
    # "depots" has no moment: its rows were always known, also the one added now
    assert talk.add("depots", [{"depot": "e", "docks": 3}]) == {"accepted": 1, "duplicate": 0}
    assert talk.add("depots", [{"depot": "a", "docks": 4}]) == {"accepted": 0, "duplicate": 1}, "known from the file"
    status, _ = talk.post("/v1/tables/depots/rows", {"rows": [{"depot": "a", "docks": 5}]})
    assert status == 409
    assert 0 < before < 1


@pytest.mark.parametrize(
    ("table", "rows", "status", "code"),
    [
        ("nothing", [], 404, "unknown_table"),
        ("parcels", [{"depot": "b"}], 400, "invalid_request"),
        ("traffic", [{"depot": "b"}], 400, "invalid_request"),
        ("traffic", [{"depot": "b", "seen_at": "2024-03-25T09:00:00", "load": 1}], 400, "invalid_request"),
        ("traffic", [{"depot": "b", "seen_at": "2200-01-01T00:00:00Z", "load": 1}], 400, "invalid_request"),
        ("traffic", [{"depot": None, "seen_at": "2024-03-25T09:00:00Z"}], 400, "invalid_request"),
        ("traffic", [{"depot": "b", "seen_at": "2024-03-25T09:00:00Z", "load": "1"}], 400, "invalid_request"),
        ("traffic", [{"depot": "b", "seen_at": "2024-03-25T09:00:00Z", "lode": 1}], 400, "invalid_request"),
    ],
)
def test_bad_facts_are_refused(talk: Talk, table: str, rows: list[dict[str, Any]], status: int, code: str) -> None:
    position = talk.status["position"]
    found, answer = talk.post(f"/v1/tables/{table}/rows", {"rows": rows})
    assert found == status
    assert answer["error"]["code"] == code
    assert all(answer["error"].values())
    assert talk.status["position"] == position


def test_what_was_judged_is_remembered_after_kill_and_restart(copy_project: Any) -> None:
    from running import serving

    project = copy_project()
    row = {"depot": "b", "seen_at": "2024-03-25T09:00:00Z", "load": 1.5}
    with serving(project) as server:
        talk = server.talk()
        first = talk.predict({"id": "one", **REQUEST})
        talk.predict({"id": "two", **REQUEST})
        talk.tell([outcome("one")])
        talk.add("traffic", [row])
        server.kill()
    with serving(project) as server:
        talk = server.talk()
        assert talk.status["pending"] == 1
        assert talk.predict({"id": "one", **REQUEST}) == first
        assert talk.add("traffic", [row]) == {"accepted": 0, "duplicate": 1}
        told = talk.tell([outcome("one"), outcome("two"), outcome("one", late=False)])
        assert told["counts"] == counts(duplicate=1, accepted=1, conflict=1)
        assert outcomes_table(server)["verdict"].to_list() == ["accepted", "conflict", "accepted"]
