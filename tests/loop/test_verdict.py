"""The verdict on a rollout, asked of a server while a loop lives the days of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcessServer
from rollout_days import BETTER, EQUAL, ROLLOUT, SHADOW_ANSWERS, day_end, prepare_rollout

from mlops_lab import clock
from mlops_lab.loop.tick import Loop
from mlops_lab.loop.verdict import write_verdict
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.http.authorizer import Authorizer
from mlops_lab.serving.process.app import App

WORSE = 0.3
URL = "/v1/rollout/verdict"


@dataclass
class Living:
    """A loop and a server of one project."""

    tiny: Any
    loop: Loop
    server: InProcessServer

    def end_day(self, day: int) -> dict[str, Any]:
        """Tick after the day until nothing is due; the verdict that the server tells then."""
        minute = 0
        while self.loop.tick(day_end(self.tiny, day) + timedelta(minutes=minute)):
            minute += 1
        return self.ask()

    def ask(self, *, follow: bool = True) -> dict[str, Any]:
        """The verdict; the server has taken the newest routing table over, if it is to."""
        service = self.server.service
        table = read_routing_table(service.project.deployment_path)
        if follow and table != service.models.routing_table:
            service.deploy(table)
        response = self.server.send("GET", URL)
        assert response.status_code == 200, "an engine must always get an answer"
        verdict: dict[str, Any] = response.json()
        return verdict


@pytest.fixture
def live(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Living]]:
    """Starts a loop and a server of a project with the days of a rollout to come."""
    started: list[InProcessServer] = []

    def start(**options: Any) -> Living:
        project = prepare_rollout(tiny, tmp_path / "project", monkeypatch, **options)
        project.workers_path.mkdir(parents=True, exist_ok=True)
        loop = Loop(project)
        loop.act()
        service = Service(project, read_routing_table(project.deployment_path))
        app = App(service, authorizer=Authorizer(project))
        started.append(InProcessServer(app, service, operate="", predict=""))
        return Living(tiny, loop, started[-1])

    yield start
    for server in started:
        server.close()


def changes(verdicts: list[dict[str, Any]]) -> list[tuple[str, int, float, str | None]]:
    """What the verdicts say, each time that it is something new."""
    said = [(item["verdict"], item["version"], item["share"], item["stage"]) for item in verdicts]
    return [item for number, item in enumerate(said) if number == 0 or item != said[number - 1]]


def test_a_whole_rollout_shadow_canary_promoted_and_taken_back(live: Callable[..., Living]) -> None:
    living = live()
    verdicts = [living.ask(), *(living.end_day(day) for day in range(1, len(SHADOW_ANSWERS) + 1))]
    assert changes(verdicts) == [
        ("promote", 1, 1.0, None),
        ("hold", 2, 0.0, "shadow"),
        ("hold", 3, 0.0, "shadow"),
        ("hold", 3, 0.1, "canary"),
        ("hold", 3, 0.5, "canary"),
        ("promote", 3, 1.0, None),
        ("roll_back", 3, 0.0, None),
    ]
    assert not any(verdict["is_stale"] for verdict in verdicts)
    assert verdicts[-1]["champion"] == 1
    canary = next(verdict for verdict in verdicts if verdict["stage"] == "canary")
    assert canary["evidence"]["e_value"] >= 1 / canary["evidence"]["alpha"], "the evidence that led to it"
    assert "version 3 is in canary since" in canary["reason"]
    assert verdicts[-1]["rule"] == "rollout.watch"


def test_a_bad_canary_is_rolled_back(live: Callable[..., Living]) -> None:
    settings = ROLLOUT.replace('prove = "better"', 'prove = "backtest"')
    living = live(settings=settings, shadow_answers=[EQUAL] * 6 + [WORSE] * 4)
    verdicts = [living.end_day(day) for day in range(1, 9)]
    assert changes(verdicts) == [
        ("promote", 1, 1.0, None),
        ("hold", 2, 0.0, "shadow"),
        ("hold", 2, 0.1, "canary"),
        ("roll_back", 2, 0.0, None),
    ]
    assert verdicts[-1]["rule"] == "rollout.max_loss"
    assert verdicts[-1]["evidence"]["harm"] > 0.02


def test_blue_green_goes_from_shadow_to_everything(live: Callable[..., Living]) -> None:
    settings = ROLLOUT.replace('prove = "better"', 'prove = "backtest"\nstrategy = "blue_green"')
    living = live(settings=settings, shadow_answers=[EQUAL] * 5 + [BETTER] * 3)
    verdicts = [living.end_day(day) for day in range(1, 8)]
    assert changes(verdicts) == [("promote", 1, 1.0, None), ("hold", 2, 0.0, "shadow"), ("promote", 2, 1.0, None)]


def ask_gate(living: Living, name: str, *, version: str) -> int:
    """The status that a webhook of Flagger gets."""
    body = {
        "name": "model",
        "namespace": "ml",
        "phase": "Progressing",
        "checksum": "5",
        "metadata": {"version": version},
    }
    return living.server.send("POST", f"{URL}/{name}", json.dumps(body).encode()).status_code


def test_what_people_decide_counts_at_once(live: Callable[..., Living]) -> None:
    living = live(settings=ROLLOUT.replace('prove = "better"', 'prove = "backtest"'))
    day = next(day for day in range(1, 10) if living.end_day(day)["stage"] == "shadow")
    now = day_end(living.tiny, day) + timedelta(hours=1)
    living.loop.steer(now, DecisionKind.PAUSE, by="a person", reason="a look at it")
    paused = living.ask()
    assert (paused["verdict"], paused["rule"]) == ("hold", "rollout.paused")
    living.loop.steer(now, DecisionKind.ROLL_BACK, by="a person", reason="not wanted")
    assert living.ask(follow=False)["rule"] == "verdict.other_generation", "the server has yet to take it over"
    ended = living.ask()
    assert (ended["verdict"], ended["version"], ended["reason"]) == ("roll_back", 2, "not wanted")
    assert ask_gate(living, "roll-back", version="2") == 200
    assert ask_gate(living, "roll-back", version="3") == 409
    assert ask_gate(living, "promote", version="2") == 409
    metrics = living.server.send("GET", "/metrics").text
    assert 'mlops_rollout_verdict{version="2",verdict="roll_back",worker="0"} 1' in metrics
    assert 'mlops_rollout_verdict{version="2",verdict="promote",worker="0"} 0' in metrics
    assert 'mlops_rollout_share{version="2",worker="0"} 0' in metrics
    assert "mlops_rollout_verdict_age_seconds" in metrics


def test_a_verdict_that_is_missing_or_old_is_hold(live: Callable[..., Living], monkeypatch: pytest.MonkeyPatch) -> None:
    living = live()
    assert living.end_day(1)["verdict"] == "promote"
    written = datetime.now(UTC)
    for later, rule in ((timedelta(hours=27), "verdict.too_old"), (-timedelta(hours=1), "verdict.ahead")):
        monkeypatch.setattr(clock, "now", lambda later=later: written + later)
        stale = living.ask()
        assert (stale["verdict"], stale["rule"], stale["share"], stale["is_stale"]) == ("hold", rule, None, True)
        assert "mlops tick" in stale["reason"]
        assert stale["age_seconds"] == pytest.approx(later.total_seconds(), abs=60)
        living.loop.act()  # as at the start of a server: nothing was looked at, so nothing is younger
        assert living.ask()["rule"] == rule
    assert "mlops_rollout_share{" not in living.server.send("GET", "/metrics").text
    assert living.end_day(2)["verdict"] == "promote", "the next tick writes it again"
    path = living.server.service.project.verdict_path
    path.write_bytes(b"{")
    assert living.ask()["rule"] == "verdict.unreadable"
    path.unlink()
    missing = living.ask()
    assert (missing["verdict"], missing["rule"], missing["version"]) == ("hold", "verdict.missing", None)


def test_a_disk_that_refuses_the_verdict_stops_no_tick(live: Callable[..., Living]) -> None:
    living = live()
    path = living.server.service.project.verdict_path
    path.unlink()
    path.mkdir()
    assert living.end_day(1)["rule"] == "verdict.unreadable"


def test_evidence_that_cannot_be_read_is_said(live: Callable[..., Living]) -> None:
    living = live()
    day = next(day for day in range(1, 10) if living.end_day(day)["stage"] == "shadow")
    project: Project = living.loop.project
    (project.root / "package" / "plan.json").unlink()
    write_verdict(project, living.loop.lake, living.loop.decisions, living.loop.state, at=day_end(living.tiny, day))
    unread = living.ask()
    assert unread["verdict"] == "hold"
    assert "cannot be read" in unread["reason"]
