"""Who answers: champion, canary, A/B arm; and the shadow, which never delays or fails an answer."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from running import mlops, other_package, serving, until
from synthetic import World, ask, day_begin, tell

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.registry.package import load_plan
from mlops_lab.serving.answering.routing_table import (
    Arm,
    LiveVersion,
    RoutingTable,
    read_routing_table,
    write_routing_table,
)
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.process.shadow_runner import ShadowRunner


@pytest.fixture
def rows(world: World) -> list[dict[str, Any]]:
    return world.parcels.filter(pl.col("asked_at") >= day_begin(24)).to_dicts()


@pytest.fixture
def promoted(lived: Path, copy_project: Callable[..., Project]) -> Project:
    """Version 2 is live, and version 1 was before."""
    return copy_project(lived / "promoted")


def with_second(project: Project, **changes: Any) -> tuple[RoutingTable, LiveVersion]:
    """A routing table that says something about a second version, which says otherwise than the first."""
    present = read_routing_table(project.deployment_path)
    categories = load_plan(project.root / present.champion.package).categories
    second = other_package(
        project, present.champion, categories={name: list(reversed(values)) for name, values in categories.items()}
    )
    filled = {name: second if value == "second" else value for name, value in changes.items()}
    filled["arms"] = tuple(Arm(second, share) for share in changes.get("arms", ()))
    deployment = msgspec.structs.replace(present, generation=present.generation + 1, **filled)
    write_routing_table(project.deployment_path, deployment)
    return deployment, second


def predict(service: Service, rows: list[dict[str, Any]], name: str) -> list[Any]:
    requests = [{**ask(row), "id": f"{name}-{number}"} for number, row in enumerate(rows)]
    return service.predict([msgspec.convert(request, service.schemas.request) for request in requests])


@pytest.mark.parametrize(
    ("changes", "role"), [({"challenger": "second", "canary_share": 0.3}, "canary"), ({"arms": [0.3]}, "arm")]
)
def test_a_key_always_meets_the_same_version(
    project: Project, rows: list[dict[str, Any]], changes: dict[str, Any], role: str
) -> None:
    deployment, _ = with_second(project, **changes)
    met: dict[str, set[tuple[int, str]]] = {}
    for life in range(2):  # also after a restart
        service = Service(project, deployment)
        for record, row in zip(predict(service, rows[:400], str(life)), rows, strict=False):
            met.setdefault(row["customer"] or record.id, set()).add((record.version, record.role))
        service.close()
    keyed = [versions for key, versions in met.items() if not key.startswith(("0-", "1-"))]
    assert all(len(versions) == 1 for versions in keyed)
    roles = Counter(role for versions in keyed for _, role in versions)
    assert roles.keys() == {"champion", role}
    assert 0.15 < roles[role] / roles.total() < 0.45


def test_shares_add_up_and_leave_the_rest_to_the_champion(project: Project, rows: list[dict[str, Any]]) -> None:
    deployment, second = with_second(project, arms=[0.2])
    third = msgspec.structs.replace(second, version=3)
    deployment = msgspec.structs.replace(deployment, arms=(Arm(second, 0.2), Arm(third, 0.5)))
    service = Service(project, deployment)
    requests = [{**ask(rows[0]), "customer": f"customer {number}", "id": None} for number in range(3000)]
    told = service.predict([msgspec.convert(request, service.schemas.request) for request in requests])
    service.close()
    shares = Counter(record.version for record in told)
    assert 0.17 < shares[2] / 3000 < 0.23
    assert 0.47 < shares[3] / 3000 < 0.53
    assert 0.27 < shares[1] / 3000 < 0.33


def test_an_answer_does_not_wait_for_its_shadow(project: Project, rows: list[dict[str, Any]]) -> None:
    deployment, _ = with_second(project, challenger="second")
    service = Service(project, deployment)
    requests = [msgspec.convert(ask(row), service.schemas.request) for row in rows[:20]]
    told = service.answer(requests).answers
    assert {(record.shadow_version, record.shadow_output) for record in told} == {(2, None)}
    assert service.has_shadows
    service.score_shadows()
    service.accept_outcomes([msgspec.convert(tell(row), service.schemas.outcome) for row in rows[:20]])
    expected = Service.prepare(service, msgspec.structs.replace(deployment, champion=deployment.challenger)).models
    service.close()
    lake = Lake(project.lake_path)
    ingest_journal(project, lake)
    shadows = dict(lake.read("shadows").select("id", "output").iter_rows())
    assert shadows.keys() == {row["parcel_id"] for row in rows[:20]}
    inputs = lake.read("predictions").select("id", *expected.champion.features.inputs)
    says = dict(zip(inputs["id"], expected.champion.score(inputs.drop("id")), strict=True))
    assert shadows == says
    ended = lake.read("outcomes")
    assert set(ended["shadow_version"]) == {2}
    assert dict(ended.select("id", "shadow_output").iter_rows()) == shadows


def test_an_outcome_that_comes_at_once_gets_what_the_shadow_answered(
    project: Project, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shadow's requests are gathered for a moment: an outcome does not wait for that to end."""
    monkeypatch.setattr("mlops_lab.serving.process.shadow_runner.GATHER_SECONDS", 3600.0)
    deployment, _ = with_second(project, challenger="second")
    service = Service(project, deployment)
    runner = ShadowRunner(service)

    async def answer_and_finish() -> None:
        service.answer([msgspec.convert(ask(row), service.schemas.request) for row in rows[:20]])
        runner.start()
        assert service.awaits_shadow([rows[0]["parcel_id"]])
        await runner.finish()

    asyncio.run(answer_and_finish())
    assert not service.awaits_shadow(row["parcel_id"] for row in rows[:20])
    assert service.counts.counted["shadows", "2", "scored"] == 20
    service.close()


def test_a_shadow_that_fails_fails_nobody(
    project: Project, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    deployment, _ = with_second(project, challenger="second")
    service = Service(project, deployment)
    broken = next(one for one in service.models.predictors if one.version == 2)

    def fail(_: Any) -> Any:
        raise RuntimeError("no such tree")

    monkeypatch.setattr(broken, "score_rows", fail)
    told = predict(service, rows[:5], "a")
    assert [record.version for record in told] == [1] * 5
    assert service.counts.counted["shadows", "2", "failed"] == 5
    assert "version 2 failed in shadow" in caplog.text
    service.close()


def test_shadows_beyond_what_may_wait_are_shed(
    project: Project, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlops_lab.serving.answering.shadows.MOST_WAITING", 8)
    deployment, _ = with_second(project, challenger="second")
    service = Service(project, deployment)
    for start in range(0, 15, 5):
        service.answer([msgspec.convert(ask(row), service.schemas.request) for row in rows[start : start + 5]])
    assert service.counts.counted["shadows", "", "shed"] == 10
    service.score_shadows()
    assert service.counts.counted["shadows", "2", "scored"] == 5
    service.close()


def test_the_version_before_is_kept_ready(promoted: Project, rows: list[dict[str, Any]]) -> None:
    """Blue and green: the way back needs nothing from the disk but the routing table."""
    loop = Loop(promoted)
    loop.act()
    deployment = read_routing_table(promoted.deployment_path)
    assert (deployment.champion.version, deployment.previous and deployment.previous.version) == (2, 1)
    with serving(promoted) as server:
        talk = server.talk()
        assert talk.predict({**ask(rows[0]), "id": "before"})["version"] == 2
        assert 'mlops_live{version="1",role="previous",worker="0"} 1' in talk.text("/metrics")
        assert deployment.previous is not None
        (promoted.root / deployment.previous.package).rename(promoted.root / "gone")
        back = msgspec.structs.replace(
            deployment, champion=deployment.previous, previous=None, generation=deployment.generation + 1
        )
        write_routing_table(promoted.deployment_path, back)
        until(lambda: talk.status["champion"] == 1, seconds=5)
        assert talk.predict({**ask(rows[0]), "id": "after"})["version"] == 1


@pytest.mark.slow
def test_mlops_split_gives_a_version_its_share_until_told_otherwise(
    promoted: Project, rows: list[dict[str, Any]]
) -> None:
    with serving(promoted) as server:
        talk = server.talk()
        told = mlops("split", 1, "--share", 0.5, project=promoted.root).data
        assert (told["what"], told["version"], told["arms"]) == ("split", 1, {"1": 0.5})
        until(lambda: talk.status["arms"] == {"1": 0.5})
        answers = [talk.predict({**ask(row), "id": f"s{number}"}) for number, row in enumerate(rows[:200])]
        assert {(answer["version"], answer["role"]) for answer in answers} == {(1, "arm"), (2, "champion")}
        assert mlops("status", project=promoted.root).data["arms"] == {"1": 0.5}
        assert mlops("split", 1, "--share", 0, project=promoted.root).data["arms"] == {}
        until(lambda: talk.status["arms"] == {})
    assert mlops("split", 7, "--share", 0.5, project=promoted.root, code=2).error["code"] == "unknown_version"
    assert mlops("split", 1, "--share", 1, project=promoted.root, code=1).error["code"] == "share_too_large"
    assert mlops("split", 2, "--share", 0.5, project=promoted.root, code=1).error["code"] == "is_champion"
    mlops("split", 1, "--share", 1.5, project=promoted.root, code=2)
    shutil.rmtree(promoted.root)
