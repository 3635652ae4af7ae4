"""Whatever is sent, the server answers it or says what is wrong; and what it acknowledged can be read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from running import Talk, serving
from synthetic import day_begin

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.status.describe import describe

ODD_MOMENTS = st.sampled_from(
    [
        "2024-03-25T09:30:00.1234567891Z",
        "2024-03-25T09:30:60Z",
        "2024-03-25T24:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "9999-12-31T23:59:59.999999Z",
        "2024-03-25T09:30:00",
    ]
)
OFFSETS = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-12))])
FAR = st.datetimes(datetime(1600, 1, 1), datetime(2400, 1, 1), timezones=OFFSETS)
NEAR = st.datetimes(datetime(2024, 3, 1), datetime(2024, 5, 1), timezones=OFFSETS)
MOMENTS = st.one_of(NEAR, NEAR, FAR).map(lambda moment: moment.isoformat())
INTEGERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0, -0.0, 5e-324, 1.7976931348623157e308])
NUMBERS = st.integers() | st.floats() | st.sampled_from([2**63, 2**64, 10**400])
TEXTS = st.text() | st.sampled_from(["a", "b", "", "\x00", "\u2028", "\x1f", "a" * 70_000])
WHATEVER = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | MOMENTS | ODD_MOMENTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
IDS = st.none() | TEXTS | st.sampled_from(["p1", "p2", "p3"])
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "id": IDS,
    "asked_at": MOMENTS,
    "depot": TEXTS,
    "customer": st.none() | TEXTS,
    "items": INTEGERS,
    "distance": FLOATS | INTEGERS,
    "weight": st.none() | FLOATS,
    "express": st.none() | st.booleans(),
}


@st.composite
def nearly_good(draw: st.DrawFn, fields: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    """All fields with fitting values, and in some cases one that is left out, replaced or added."""
    row = {name: draw(values) for name, values in fields.items()}
    match draw(st.sampled_from(["good"] * 5 + ["leave out", "replace", "odd moment", "add"])):
        case "leave out":
            row.pop(draw(st.sampled_from(sorted(row))))
        case "replace":
            row[draw(st.sampled_from(sorted(row)))] = draw(WHATEVER)
        case "odd moment":
            row[next(name for name in row if name.endswith("_at"))] = draw(ODD_MOMENTS)
        case "add":
            row[draw(st.text(max_size=8))] = draw(WHATEVER)
    return row


OUTCOME = {
    "id": st.sampled_from(["p1", "p2", "p3", "nobody"]) | TEXTS,
    "known_at": MOMENTS,
    "late": st.booleans(),
    "delay": st.none() | FLOATS,
}
FACT = {"depot": TEXTS, "seen_at": MOMENTS, "load": st.none() | FLOATS}


def some_json(rows: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """The rows as JSON, sometimes damaged; anything else as JSON; and bytes."""
    good = rows.map(lambda row: json.dumps(row).encode())
    damaged = st.tuples(good, st.integers(0, 200), st.binary(max_size=3)).map(
        lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + 1 :]
    )
    return st.one_of(
        good, good, good, good, good, damaged, WHATEVER.map(lambda value: json.dumps(value).encode()), st.binary()
    )


BODIES = st.one_of(
    st.tuples(st.just("/v1/predict"), some_json(nearly_good(FIELDS))),
    st.tuples(
        st.just("/v1/outcomes"),
        some_json(st.lists(nearly_good(OUTCOME), max_size=3).map(lambda rows: {"outcomes": rows})),
    ),
    st.tuples(
        st.just("/v1/tables/traffic/rows"),
        some_json(st.lists(nearly_good(FACT), max_size=3).map(lambda rows: {"rows": rows})),
    ),
)


def test_no_body_is_answered_with_a_fault(copy_project: Callable[[], Project]) -> None:
    project = copy_project()
    made: dict[str, dict[str, Any]] = {}
    with serving(project) as server:
        talk = server.talk()

        @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(BODIES)
        @example(("/v1/outcomes", b'{"outcomes":[{"id":"p2","known_at":"0001-01-01T00:00:00+23:59","late":true}]}'))
        @example(
            (
                "/v1/outcomes",
                b'{"outcomes": [{"id": "p1", "known_at": "2024-03-01T00:00:00+00:00", "late": false, "delay": null},'
                b' {"id": "p1", "known_at": "0001-01-01T00:00:00+23:59", "late": false, "delay": null}]}',
            )
        )
        def send(sent: tuple[str, bytes]) -> None:
            path, body = sent
            status, answer = talk.send("POST", path, body)
            if status == 200:
                told = answer if isinstance(answer, list) else [answer]
                for one in told if path == "/v1/predict" else []:
                    if "error" in one:  # of a row, in its place
                        assert all(one["error"].values()), one
                        continue
                    assert 0 <= one["output"] <= 1
                    assert made.setdefault(one["id"], one) == one
                return
            assert 400 <= status < 500, answer
            assert all(answer["error"].values()), answer

        send()
        assert talk.send("GET", "/healthz") == (200, {"status": "ok"})
        pending = talk.status["pending"]
        server.kill()
    _assert_readable(project, made)
    with serving(project) as server:
        talk = Talk(project, server.process.address.host, server.process.address.port)
        assert talk.status["pending"] <= pending, "all but those from before the days that outcomes may lag"


def _assert_readable(project: Project, made: dict[str, dict[str, Any]]) -> None:
    """What was acknowledged is in the lake, and nothing of it spoils what reads the lake from now on."""
    assert made, "some of the good ones were answered"
    loop = Loop(project)
    ingest_journal(project, loop.lake)
    logged = {row["id"]: row["output"] for row in loop.lake.read("predictions").to_dicts()}
    assert logged == {name: answer["output"] for name, answer in made.items()}
    assert loop.tick(day_begin(25)) == []
    assert describe(project).predictions == len(made)
    loop.act(new_state=True)
