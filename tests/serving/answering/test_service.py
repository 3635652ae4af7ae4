"""The service: a request is answered once, whoever asks again; a new routing table is used as a whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlops_lab.errors import Conflict, EnvironmentFault, InvalidInput
from mlops_lab.journal.records import PredictionRecord, ShadowRecord, decode_frame, encode_frames
from mlops_lab.journal.segments import read_journal, write_segment
from mlops_lab.project import Project
from mlops_lab.registry.signing.bundle import SIGNATURE_FILE
from mlops_lab.registry.signing.keyring import TrustedKey
from mlops_lab.registry.signing.sign import create_key, revoke_key, sign_package
from mlops_lab.serving.answering.routing_table import LiveVersion, RoutingTable
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.answering.worker_state import PREDICTION_INDEX

Make = Callable[..., dict[str, Any]]


def convert(service: Service, *requests: dict[str, Any]) -> list[msgspec.Struct]:
    return [msgspec.convert(request, service.schemas.request) for request in requests]


def written(project: Project) -> list[Any]:
    """The records in the journal of the first worker."""
    return [record for _, payload in read_journal(project.journal_path, 0) for record in decode_frame(payload)]


# ---- answering ---------------------------------------------------------------------------------------------------


def test_an_answer_is_in_the_journal_as_it_is_given(make_service, make_request: Make, project):
    service = make_service()
    answers = service.answer(convert(service, make_request(), make_request(id="mine"), make_request(id=""))).answers
    assert [record.id for record in written(project)] == [answer.id for answer in answers]
    assert answers[1].id == "mine"
    assert len({answer.id for answer in answers}) == 3
    assert [record.output for record in written(project)] == [answer.output for answer in answers]
    assert service.pending == 3


def test_the_same_request_again_gets_the_same_answer_and_is_written_once(make_service, make_request: Make, project):
    service = make_service()
    (request,) = convert(service, make_request(id="a"))
    first, second = service.answer([request, request]).answers
    later = service.answer([request]).answers[0]
    assert first == second
    assert (later.id, later.output, later.at) == (first.id, first.output, first.at)
    assert len(written(project)) == 1


def test_another_request_with_the_same_id_is_a_conflict(make_service, make_request: Make, project):
    service = make_service()
    same, other = convert(service, make_request(id="a"), make_request(id="a", amount=99.0))
    answers = service.answer([same, other]).answers
    assert isinstance(answers[0], PredictionRecord)
    assert isinstance(answers[1], Conflict)
    assert isinstance(service.answer([other]).answers[0], Conflict)
    assert len(written(project)) == 1


def test_a_whole_answer_with_an_error_writes_no_prediction(make_service, make_request: Make, project):
    service = make_service()
    service.answer(convert(service, make_request(id="a")))
    requests = convert(service, make_request(id="b"), make_request(id="a", amount=99.0))
    answers = service.answer(requests, whole=True).answers
    assert isinstance(answers[1], InvalidInput)
    assert [record.id for record in written(project)] == ["a"]
    assert isinstance(service.answer(requests[:1], whole=True).answers[0], PredictionRecord)


def test_what_was_answered_is_known_after_a_restart(project, routing_table, make_request: Make):
    service = Service(project, routing_table)
    (request,) = convert(service, make_request(id="a"))
    before = service.answer([request]).answers[0]
    service.close()
    service = Service(project, routing_table)
    after = service.answer([request]).answers[0]
    assert (after.output, after.version, after.at) == (before.output, before.version, before.at)
    assert len(written(project)) == 1
    service.close()


def test_another_workers_answer_is_repeated(project, routing_table, make_request: Make):
    first, second = (Service(project, routing_table, worker=worker, workers=2) for worker in (0, 1))
    (request,) = convert(first, make_request(id="a"))
    given = first.answer([request])
    repeated = second.answer([request])
    assert (given.is_repeat, repeated.is_repeat) == (False, True)
    assert repeated.answers[0].output == given.answers[0].output
    assert second.journal.position == 0
    first.close()
    second.close()


# ---- outcomes and facts ------------------------------------------------------------------------------------------


def test_a_fact_changes_the_answers_after_it(make_service, make_request: Make, tiny):
    service = make_service()
    later = (tiny.now + timedelta(hours=2)).isoformat()
    before = service.answer(convert(service, make_request(asked_at=later))).answers[0]
    row = {"shop": "a", "known_at": tiny.now + timedelta(hours=1), "items": 7.0}
    response = service.accept_facts("stock", [msgspec.convert(row, service.schemas.rows["stock"])])
    assert response == {"accepted": 1, "duplicate": 0}
    much_later = (tiny.now + timedelta(hours=3)).isoformat()
    after = service.answer(convert(service, make_request(asked_at=much_later))).answers[0]
    names = service.models.champion.features.inputs
    looked_up = [name for name in names if name not in ("shop", "amount", "express")]
    assert dict(zip(looked_up, before.features, strict=True))["items"] is None
    assert dict(zip(looked_up, after.features, strict=True))["items"] == 7.0


def test_a_request_that_nobody_answered_is_known_after_a_restart(project, routing_table, make_request: Make, tiny):
    service = Service(project, routing_table)
    row = {"order_id": "new", "asked_at": tiny.now, "customer": "c999", "shop": "a", "express": True, "late": True}
    row |= {"known_at": tiny.now + timedelta(hours=1), "minutes": 33.0}
    sent = [msgspec.convert(row, service.schemas.rows["orders"])]
    assert service.accept_facts("orders", sent) == {"accepted": 1, "duplicate": 0}
    service.close()
    service = Service(project, routing_table)
    assert service.accept_facts("orders", sent) == {"accepted": 0, "duplicate": 1}
    later = (tiny.now + timedelta(hours=2)).isoformat()
    (answer,) = service.answer(convert(service, make_request(asked_at=later, customer="c999"))).answers
    names = [name for name in service.models.champion.features.inputs if name not in ("shop", "amount", "express")]
    assert dict(zip(names, answer.features, strict=True))["last_minutes"] == 33.0
    service.close()


def test_an_outcome_is_accepted_once(make_service, make_request: Make, tiny):
    service = make_service()
    service.answer(convert(service, make_request(id="a")))
    outcome = {"id": "a", "known_at": tiny.now + timedelta(hours=1), "late": True, "minutes": 3.0}
    sent = [msgspec.convert(outcome, service.schemas.outcome)]
    assert service.accept_outcomes(sent)["counts"]["accepted"] == 1
    assert service.pending == 0
    assert service.accept_outcomes(sent)["counts"]["duplicate"] == 1


# ---- shadows -----------------------------------------------------------------------------------------------------


def test_shadows_are_scored_after_the_answer(make_service, make_request: Make, challenger, project):
    service = make_service(challenger=challenger)
    (answer,) = service.answer(convert(service, make_request(id="a"))).answers
    assert (answer.shadow_version, answer.shadow_output) == (2, None)
    assert service.has_shadows
    service.score_shadows()
    assert not service.has_shadows
    shadow = written(project)[-1]
    assert shadow == ShadowRecord("a", answer.at, 2, answer.output), "the same package says the same"
    assert service.worker_state.read_prediction("a").shadow_output == answer.output


def test_shadows_that_a_killed_worker_did_not_score_are_scored_after_the_restart(
    project, routing_table, challenger, make_request: Make
):
    table = msgspec.structs.replace(routing_table, challenger=challenger)
    killed = Service(project, table)
    (answer,) = killed.answer(convert(killed, make_request(id="a"))).answers
    killed.worker_state.close()
    killed.journal.close()  # and nothing else: the shadow is not scored
    assert len(written(project)) == 1
    service = Service(project, table)
    assert service.has_shadows
    service.close()
    assert written(project)[-1] == ShadowRecord("a", answer.at, 2, answer.output)


# ---- following the routing table ---------------------------------------------------------------------------------


def test_a_new_table_uses_loaded_versions_again(make_service, make_request: Make, routing_table, challenger):
    service = make_service()
    champion = service.models.champion
    table = msgspec.structs.replace(routing_table, generation=2, challenger=challenger, canary_share=1.0)
    prepared = service.prepare(table)
    assert prepared.worker_state is None, "the state is the same"
    assert service.answer(convert(service, make_request())).answers[0].version == 1, "not used yet"
    service.switch_to(prepared)
    assert service.models.champion is champion
    answer = service.answer(convert(service, make_request())).answers[0]
    assert (answer.version, answer.role) == (2, "canary")


def test_a_new_state_is_joined_with_what_happened_meanwhile(
    make_service, make_request: Make, routing_table, project, tiny
):
    service = make_service()
    (request, other) = convert(service, make_request(id="a"), make_request(id="b"))
    before = service.answer([request]).answers[0]
    state = project.root / "next"
    state.mkdir()
    write_segment(state / PREDICTION_INDEX, encode_frames(written(project)))
    table = msgspec.structs.replace(
        routing_table, generation=2, state="next", state_positions=(service.journal.position,)
    )
    prepared = service.prepare(table)
    service.answer([other])  # while it was prepared
    service.switch_to(prepared)
    assert service.pending == 2
    assert [answer.output for answer in service.answer([request, other]).answers] == [before.output] * 2
    assert len(written(project)) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"champion": LiveVersion(3, "no such package", "00")},
        {"champion": LiveVersion(3, "package", "another fingerprint")},
        {"state": "no such state"},
    ],
    ids=["package", "fingerprint", "state"],
)
def test_a_table_that_cannot_be_used_changes_nothing(
    make_service, make_request: Make, routing_table: RoutingTable, changes
):
    service = make_service()
    with pytest.raises(EnvironmentFault):
        service.deploy(msgspec.structs.replace(routing_table, generation=2, **changes))
    assert service.models.routing_table == routing_table
    assert service.answer(convert(service, make_request())).answers[0].version == 1


@pytest.mark.parametrize("damage", ["a changed byte", "a file more", "no signature", "a revoked key"])
def test_a_version_that_is_not_as_it_was_signed_is_not_taken_over(
    make_service, make_request: Make, project: Project, routing_table: RoutingTable, tiny: Any, damage: str
):
    """Neither as champion nor beside it; the version before goes on answering."""
    package = Path(shutil.copytree(tiny.package, project.root / "next"))
    (package / "lineage.json").write_text("{}")
    old = create_key(project.home, "old", "p256", before_first=lambda key: sign(project, "package", key))
    new = create_key(project.home, "new", "ed25519", before_first=lambda _: None)
    sign(project, "next", old if damage == "a revoked key" else new)
    service = make_service()
    before = service.answer(convert(service, make_request())).answers[0]
    good, hostile = routing_table.champion, LiveVersion(2, "next", tiny.fingerprint)
    if damage == "a revoked key":
        sign(project, "package", new)
        revoke_key(project.home, "old")
    elif damage == "no signature":
        (package / SIGNATURE_FILE).unlink()
    else:
        (package / ("lineage.json" if damage == "a changed byte" else "more")).write_text("{ ")
    with pytest.raises(EnvironmentFault) as caught:
        service.deploy(msgspec.structs.replace(routing_table, generation=2, champion=hostile))
    assert caught.value.code in {"package_changed", "unsigned_package", "revoked_key"}
    after = service.answer(convert(service, make_request())).answers[0]
    assert (after.version, after.output) == (1, before.output)
    service.deploy(msgspec.structs.replace(routing_table, generation=3, champion=good, challenger=hostile))
    assert list(service.models.faults) == [2]
    sign(project, "next", new)
    (package / "more").unlink(missing_ok=True)
    sign(project, "next", new)
    service.deploy(msgspec.structs.replace(routing_table, generation=4, champion=hostile))
    assert service.answer(convert(service, make_request())).answers[0].version == 2


def sign(project: Project, package: str, key: TrustedKey) -> None:
    sign_package(project.root / package, key, home=project.home)


def test_closing_unlocks_the_journal(project, routing_table):
    Service(project, routing_table).close()
    Service(project, routing_table).close()
    service = Service(project, routing_table)
    with pytest.raises(EnvironmentFault) as caught:
        Service(project, routing_table)
    assert caught.value.code == "journal_locked"
    service.close()
