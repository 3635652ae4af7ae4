"""The audit: what was live at any moment, and who let it."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.errors import InvalidInput
from mlops_lab.lake import Lake
from mlops_lab.lineage.audit import audit, list_spans, take_effect, to_csv
from mlops_lab.rollout.decision_chain import Entry
from mlops_lab.rollout.decision_log import read_entries, system_user, write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind, fold
from mlops_lab.tables.declared import DECISIONS, PREDICTIONS

AT, DAY = datetime(2013, 3, 1, 5, tzinfo=UTC), timedelta(days=1)
Kind = DecisionKind
PACKAGE = {"package": "p", "fingerprint": "f1", "training_set": "t1", "cutoff": "2013-02-28", "gates": []}
GATES = {**PACKAGE, "gates": [{"gate": "sanity", "passed": True}]}
STEPS = [
    (Kind.RETRAIN, None, "ada", {}),
    (Kind.BOOTSTRAP, 1, "ada", PACKAGE),
    (Kind.RETRAIN, None, "loop", {}),
    (Kind.SHADOW, 2, "loop", GATES),
    (Kind.APPROVE, 2, "bob", {"step": "canary"}),
    (Kind.CANARY, 2, "loop", {"share": 0.1, "approved_by": ["bob"]}),
    (Kind.APPROVE, 2, "eve", {"step": "promote"}),
    (Kind.PROMOTE, 2, "ada", {"approved_by": ["eve"], "watch_days": 3}),
    (Kind.ROLL_BACK, 1, "ada", {}),
]
DECISIONS_MADE = [
    Decision(AT + n * DAY, what, version, "rule", f"reason {n + 1}", by, data)
    for n, (what, version, by, data) in enumerate(STEPS)
]


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path / "lake")
    for number, decision in enumerate(DECISIONS_MADE):
        assert write_decision(lake, decision, earlier=number)
    return lake


def live_at(lake: Lake, days: float) -> list[tuple[int, str, float | None, int]]:
    found = audit(lake, at=AT + days * DAY, now=AT + 99 * DAY)
    return [(span.version, span.role, span.share, span.number) for span in found.live]


def test_what_was_live_at_each_moment(lake):
    assert live_at(lake, -1) == live_at(lake, 0.5) == []
    assert live_at(lake, 1) == [(1, "champion", None, 2)], "from the moment of its decision"
    assert live_at(lake, 3.5) == [(1, "champion", None, 2), (2, "shadow", 0.0, 4)]
    assert live_at(lake, 5.5) == [(1, "champion", None, 2), (2, "canary", 0.1, 6)]
    assert live_at(lake, 7.5) == [(2, "champion", None, 8), (1, "shadow", 0.0, 8)], "the one before is watched"
    assert live_at(lake, 8) == [(1, "champion", None, 9)]


def test_it_says_who_let_it_and_on_which_evidence(lake):
    (canary,) = [span for span in audit(lake, now=AT + 99 * DAY).live if span.role == "canary"]
    assert (canary.since, canary.until) == ((AT + 5 * DAY).isoformat(), (AT + 7 * DAY).isoformat())
    assert (canary.what, canary.by, canary.user, canary.reason) == ("canary", "loop", system_user(), "reason 6")
    assert canary.hash == read_entries(lake)[5].hash
    (approval,) = canary.approvals
    assert (approval.number, approval.by, approval.step, approval.note) == (5, "bob", "canary", "reason 5")
    training = canary.training
    assert training is not None
    assert (training.number, training.asked_by, training.reason) == (4, "loop", "reason 3")
    assert (training.fingerprint, training.training_set, training.gates) == ("f1", "t1", {"sanity": True})
    promoted = next(span for span in audit(lake, now=AT + 99 * DAY).live if span.number == 8)
    assert [item.by for item in promoted.approvals] == ["eve"], "that of the canary was used before"
    first = audit(lake, now=AT + 99 * DAY).live[0]
    assert first.training is not None
    assert (first.by, first.training.asked_by, first.approvals) == ("ada", "ada", [])


def test_the_answers_of_that_minute_are_counted(lake):
    at = AT + 5.5 * DAY
    answered = [(at, 1), (at + timedelta(seconds=59), 1), (at, 2), (at + timedelta(seconds=60), 2)]
    rows = pl.DataFrame(
        [{"id": str(n), "at": moment, "version": version} for n, (moment, version) in enumerate(answered)],
        schema={name: PREDICTIONS.fixed_schema[name] for name in ("id", "at", "version")},
    )
    assert PREDICTIONS.append(lake, rows)
    found = audit(lake, at=at + timedelta(seconds=30), now=AT + 99 * DAY)
    assert found.answered == {"1": 2, "2": 1}
    assert audit(lake, now=AT + 99 * DAY).answered is None


def test_a_broken_chain_is_told(lake):
    assert audit(lake, now=AT + 99 * DAY).faults == []
    lake.rewrite(DECISIONS.name, lambda rows: rows.filter(pl.col("number") != 5))
    assert audit(lake, now=AT + 99 * DAY).faults == ["decision 5 is missing"]


def test_a_moment_to_come_is_refused(lake):
    with pytest.raises(InvalidInput) as refused:
        audit(lake, at=AT + DAY, now=AT)
    assert (refused.value.code, refused.value.where) == ("in_future", "--at")


def test_the_table_has_all_that_the_records_have(lake):
    live = audit(lake, now=AT + 99 * DAY).live
    rows = list(csv.DictReader(io.StringIO(to_csv(live))))
    assert [int(row["version"]) for row in rows] == [span.version for span in live]
    promoted = next(row for row in rows if row["number"] == "8" and row["role"] == "champion")
    assert json.loads(promoted["approvals"])[0]["by"] == "eve"
    assert json.loads(promoted["evidence"]) == {"approved_by": ["eve"], "watch_days": 3}


def entries_of(decisions: list[Decision]) -> list[Entry]:
    return [
        Entry(number=n, at=d.at, what=str(d.what), version=d.version, rule=d.rule, reason=d.reason, by=d.by,
              evidence=json.dumps(d.evidence))
        for n, d in enumerate(decisions, start=1)
    ]  # fmt: skip


MADE = st.lists(
    st.tuples(st.sampled_from(DecisionKind), st.none() | st.integers(1, 4), st.integers(0, 30)), max_size=12
)


@examples(150)
@given(MADE)
def test_the_spans_are_what_the_decisions_fold_into(steps):
    """At each moment the champion and the challenger of the audit are those of the state, whatever was decided."""
    made = [Decision(AT + hour * timedelta(hours=1), what, version, "r", "", "b") for what, version, hour in steps]
    spans, moments = list_spans(entries_of(made)), take_effect(made)
    assert moments == sorted(moments)
    for hour in range(32):
        at = AT + hour * timedelta(hours=1)
        state = fold(made[: sum(moment <= at for moment in moments)])
        live = [
            span
            for span in spans
            if span.since <= at.isoformat() and (span.until is None or at.isoformat() < span.until)
        ]
        champions = [span.version for span in live if span.role == "champion"]
        assert champions == ([] if state.champion is None else [state.champion])
        assert {span.version for span in live if span.role == "ab"} == {version for version, _ in state.arms}


def test_a_clock_that_was_ahead_does_not_hide_what_was_live(tmp_path):
    ahead = replace(DECISIONS_MADE[1], at=AT + 400 * DAY)
    corrected = Decision(AT + 2 * DAY, Kind.CLOCK, None, "clock", "", "loop")
    spans = list_spans(entries_of([DECISIONS_MADE[0], ahead, corrected]))
    assert [(span.version, span.since, span.until) for span in spans] == [(1, (AT + 2 * DAY).isoformat(), None)]
