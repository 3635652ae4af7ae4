"""Acceptance: what happens to each outcome and each row, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from slow import examples

from mlops_lab import clock
from mlops_lab.errors import Conflict, InvalidInput
from mlops_lab.journal.records import FactRecord, OutcomeRecord, PredictionRecord, SetAsideRecord
from mlops_lab.journal.segments import write_segment
from mlops_lab.journal.writer import Journal
from mlops_lab.project import Project
from mlops_lab.serving.answering.acceptance import Acceptance, Acceptor
from mlops_lab.serving.answering.routing_table import LiveVersion, RoutingTable
from mlops_lab.serving.answering.schemas import Schemas
from mlops_lab.serving.answering.worker_state import PREDICTION_INDEX, WorkerState
from mlops_lab.tables.verdict import Verdict

AT = datetime(2013, 3, 1, tzinfo=UTC)
RULES = ('items = "float?"', 'items = { type = "float?", min = 0 }')
MONOTONE = (
    '[tables.stock]\ndata = "data/stock.parquet"',
    '[tables.stock]\ndata = "data/stock.parquet"\nmonotone = true',
)
WALL = ('clock = "data"', 'clock = "wall"')


def hours(number: float) -> datetime:
    return AT + timedelta(hours=number)


class Intake:
    """An acceptor with the state that it judges by; what it accepts can be written."""

    def __init__(self, project: Project) -> None:
        (project.root / "state").mkdir()
        write_segment(project.root / "state" / PREDICTION_INDEX, [])
        self.schemas = Schemas(project)
        self.journal = Journal(project.journal_path)
        table = RoutingTable(generation=1, champion=LiveVersion(1, "package", ""), state="state")
        self.state = WorkerState(project, self.schemas, routing_table=table, views=[], own=self.journal.path)
        self.state.finish_restoring(self.journal.path)
        self.acceptor = Acceptor(project, self.schemas)

    def predict(self, *names: str, at: datetime = AT) -> None:
        for name in names:
            request = {"asked_at": at, "shop": "a"}
            self.state.record(self.journal, [PredictionRecord(name, at, 1, "champion", 0.5, request, ())])

    def judge(self, *outcomes: dict[str, Any]) -> Acceptance:
        kinds = [msgspec.convert({"late": True, **outcome}, self.schemas.outcome) for outcome in outcomes]
        return self.acceptor.judge_outcomes(self.state, kinds)

    def check(self, *rows: dict[str, Any]) -> Acceptance:
        kinds = [msgspec.convert({"shop": "a", "known_at": AT, **row}, self.schemas.rows["stock"]) for row in rows]
        return self.acceptor.check_facts(self.state, "stock", kinds)

    def check_orders(self, *rows: dict[str, Any]) -> Acceptance:
        order = {"order_id": "a", "asked_at": AT, "shop": "x", "express": True, "known_at": hours(1), "late": True}
        kinds = [msgspec.convert({**order, **row}, self.schemas.rows["orders"]) for row in rows]
        return self.acceptor.check_facts(self.state, "orders", kinds)

    def write(self, acceptance: Acceptance) -> Acceptance:
        self.state.record(self.journal, acceptance.records)
        return acceptance

    def close(self) -> None:
        self.state.close()
        self.journal.close()


@pytest.fixture
def make_intake(write_project: Any, tmp_path: Path) -> Iterator[Any]:
    intakes = []

    def make(*replacements: tuple[str, str]) -> Intake:
        intakes.append(Intake(write_project(tmp_path, *replacements)))
        return intakes[-1]

    yield make
    for intake in intakes:
        intake.close()


@pytest.fixture
def intake(make_intake: Any) -> Intake:
    return make_intake()


def counted(acceptance: Acceptance) -> dict[str, int]:
    """The verdicts that were given, as the response counts them."""
    return {verdict: count for verdict, count in acceptance.response["counts"].items() if count}


# ---- outcomes ----------------------------------------------------------------------------------------------------


def test_an_accepted_outcome_is_recorded_with_its_prediction(intake):
    intake.predict("a")
    acceptance = intake.judge({"id": "a", "known_at": hours(2), "minutes": 3.0})
    assert counted(acceptance) == {"accepted": 1}
    assert acceptance.response["problems"] == []
    (record,) = acceptance.records
    assert isinstance(record, OutcomeRecord)
    assert (record.id, record.known_at, record.values) == ("a", hours(2), {"late": True, "minutes": 3.0})
    assert record.prediction.request == {"asked_at": AT, "shop": "a"}
    assert record.received_at is None


def test_every_verdict_is_in_the_response_also_those_that_nobody_got(intake):
    assert intake.judge().response == {"counts": dict.fromkeys(map(str, Verdict), 0), "problems": []}


@pytest.mark.parametrize("written_between", [False, True])
def test_a_second_outcome_is_a_duplicate_or_a_conflict(intake, written_between):
    """It does not matter whether both come in one request."""
    intake.predict("a")
    first, other = {"id": "a", "known_at": hours(2)}, {"id": "a", "known_at": hours(2), "late": False}
    if written_between:
        intake.write(intake.judge(first))
        acceptance = intake.judge(first, other)
        assert counted(acceptance) == {"duplicate": 1, "conflict": 1}
    else:
        acceptance = intake.judge(first, first, other)
        assert counted(acceptance) == {"accepted": 1, "duplicate": 1, "conflict": 1}
    (problem,) = acceptance.response["problems"]
    assert problem["code"] == "conflicting_outcome"
    assert problem["where"] == f"$.outcomes[{1 if written_between else 2}]"
    assert [record.verdict for record in acceptance.records][-1] == "conflict"
    assert acceptance.records[-1].prediction is None


def test_an_outcome_without_a_prediction_is_recorded_as_unknown(intake):
    acceptance = intake.judge({"id": "nobody", "known_at": hours(2)})
    assert counted(acceptance) == {"unknown": 1}
    assert [problem["code"] for problem in acceptance.response["problems"]] == ["unknown_prediction"]
    assert [record.verdict for record in acceptance.records] == ["unknown"]


def test_an_outcome_before_its_prediction_refuses_the_whole_request(intake):
    intake.predict("a", "b")
    with pytest.raises(InvalidInput) as caught:
        intake.judge({"id": "a", "known_at": hours(1)}, {"id": "b", "known_at": hours(-1)})
    assert caught.value.code == "outcome_too_early"
    assert caught.value.where == "$.outcomes[1].known_at"


def test_an_outcome_without_a_time_is_known_when_it_arrives(make_intake):
    intake = make_intake(WALL)
    intake.predict("a")
    before = clock.now()
    acceptance = intake.write(intake.judge({"id": "a"}, {"id": "a"}))
    assert counted(acceptance) == {"accepted": 1, "duplicate": 1}
    assert before <= acceptance.records[0].known_at <= clock.now()
    assert counted(intake.judge({"id": "a"})) == {"duplicate": 1}, "it is the same outcome, whenever it is sent again"


def test_an_outcome_without_a_time_is_not_before_a_prediction_of_a_clock_ahead(make_intake):
    intake = make_intake(WALL)
    ahead = clock.now() + timedelta(hours=1)
    intake.predict("a", at=ahead)
    assert intake.judge({"id": "a"}).records[0].known_at == ahead


def test_a_late_outcome_counts_as_received_after_the_last_answer(intake):
    intake.predict("a")
    intake.predict("b", at=hours(5))
    (record,) = intake.judge({"id": "a", "known_at": hours(2)}).records
    assert (record.known_at, record.received_at) == (hours(2), hours(5))


# ---- facts -------------------------------------------------------------------------------------------------------


def test_new_rows_are_accepted_and_repeated_ones_are_not(intake):
    rows = {"items": 1.0}, {"items": 2.0, "known_at": hours(1)}
    acceptance = intake.write(intake.check(*rows, rows[0]))
    assert acceptance.response == {"accepted": 2, "duplicate": 1}
    assert acceptance.records == [
        FactRecord("stock", {"shop": "a", "known_at": AT, "items": 1.0}),
        FactRecord("stock", {"shop": "a", "known_at": hours(1), "items": 2.0}),
    ]
    again = intake.check(*rows)
    assert again.response == {"accepted": 0, "duplicate": 2}
    assert again.records == []


@pytest.mark.parametrize("written_between", [False, True])
def test_a_row_with_the_key_and_moment_of_another_is_a_conflict(intake, written_between):
    first, other = {"items": 1.0}, {"items": 2.0}
    if written_between:
        intake.write(intake.check(first))
    with pytest.raises(Conflict) as caught:
        intake.check(first, other)
    assert caught.value.code == "conflicting_fact"
    assert caught.value.where == "$.rows[1] of table stock"


def test_a_row_that_breaks_a_rule_is_set_aside(make_intake):
    intake = make_intake(RULES)
    acceptance = intake.check({"items": 1.0}, {"items": -1.0, "known_at": hours(1)})
    assert acceptance.response["accepted"] == acceptance.response["quarantined"] == 1
    (problem,) = acceptance.response["problems"]
    assert (problem["code"], problem["where"]) == ("contract_breach", "$.rows[1].items of table stock")
    assert "mlops quarantine --replay" in problem["hint"]
    fact, aside = acceptance.records
    assert isinstance(fact, FactRecord)
    assert isinstance(aside, SetAsideRecord)
    assert (aside.table, aside.column, aside.at) == ("stock", "items", hours(1))
    assert msgspec.json.decode(aside.row)["items"] == -1.0


def test_a_row_earlier_than_one_before_breaks_a_monotone_table(make_intake):
    intake = make_intake(MONOTONE)
    intake.write(intake.check({"items": 1.0, "known_at": hours(2)}))
    acceptance = intake.check({"known_at": hours(3)}, {"known_at": hours(2), "shop": "b"}, {"known_at": hours(1)})
    assert (acceptance.response["accepted"], acceptance.response["quarantined"]) == (1, 2)
    assert [record.rule for record in acceptance.records if isinstance(record, SetAsideRecord)] == ["monotone"] * 2


def test_a_fact_counts_as_received_after_the_last_answer(intake):
    """What was answered did not use it: computed again, it must not use it either."""
    intake.predict("a", at=hours(5))
    early, late = intake.check({"items": 1.0}, {"items": 2.0, "known_at": hours(6)}).records
    assert early.received_at == hours(5)
    assert late.received_at is None


def test_with_a_wall_clock_a_fact_is_received_now(make_intake):
    intake = make_intake(WALL)
    before = clock.now()
    (record,) = intake.check({"items": 1.0}).records
    assert before <= record.received_at <= clock.now()


# ---- rows of the source table: requests that no server answered -----------------------------------------------------


def test_a_request_that_nobody_answered_is_accepted_with_its_outcome(intake):
    intake.predict("z", at=hours(2))
    acceptance = intake.write(intake.check_orders({}, {"order_id": "b", "known_at": hours(3)}, {}))
    assert acceptance.response == {"accepted": 2, "duplicate": 1}
    late, new = acceptance.records
    assert (late.table, late.row["order_id"], late.received_at) == ("orders", "a", hours(2))
    assert (new.row["order_id"], new.received_at) == ("b", None)
    assert intake.check_orders({}).response == {"accepted": 0, "duplicate": 1}


@pytest.mark.parametrize("written_between", [False, True])
def test_another_row_about_the_same_request_is_a_conflict(intake, written_between):
    if written_between:
        intake.write(intake.check_orders({}))
    with pytest.raises(Conflict) as caught:
        intake.check_orders({}, {"known_at": hours(2)})
    assert (caught.value.code, caught.value.where) == ("conflicting_fact", "$.rows[1] of table orders")
    assert "this id" in caught.value.what


@pytest.mark.parametrize("was_a_row_before", [False, True])
def test_the_outcome_of_a_prediction_is_no_row(intake, was_a_row_before):
    """Else the request would count twice."""
    if was_a_row_before:
        intake.write(intake.check_orders({}))
    intake.predict("a")
    with pytest.raises(Conflict) as caught:
        intake.check_orders({"order_id": "b"}, {})
    assert (caught.value.code, caught.value.where) == ("predicted_request", "$.rows[1].order_id of table orders")
    assert "mlops outcomes" in caught.value.hint


def test_a_row_whose_outcome_was_known_before_its_request_is_refused(intake):
    with pytest.raises(InvalidInput) as caught:
        intake.check_orders({"known_at": hours(-1)})
    assert (caught.value.code, caught.value.where) == ("outcome_too_early", "$.rows[0].known_at of table orders")


def test_a_row_of_the_source_that_breaks_a_rule_is_set_aside(make_intake):
    intake = make_intake(('amount = "float?"', 'amount = { type = "float?", min = 0 }'))
    acceptance = intake.check_orders({"amount": -1.0}, {"order_id": "b", "amount": 1.0})
    assert (acceptance.response["accepted"], acceptance.response["quarantined"]) == (1, 1)
    assert [type(record) for record in acceptance.records] == [FactRecord, SetAsideRecord]


rows = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.none() | st.integers(0, 1)), max_size=8)


@examples(50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows)
def test_every_row_is_counted_or_all_are_refused(intake, drawn):
    """Of rows that were never written: each new fact once, repeated ones not, a contradiction refuses all."""
    sent = [{"shop": shop, "known_at": hours(hour), "items": items} for shop, hour, items in drawn]
    facts: dict[tuple[str, int], int | None] = {}
    is_contradiction = any(facts.setdefault((shop, hour), items) != items for shop, hour, items in drawn)
    if is_contradiction:
        with pytest.raises(Conflict):
            intake.check(*sent)
        return
    acceptance = intake.check(*sent)
    assert acceptance.response == {"accepted": len(facts), "duplicate": len(drawn) - len(facts)}
    assert len(acceptance.records) == len(facts)
