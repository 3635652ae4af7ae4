"""A project that `mlops init` made lives its whole life, for every task: from a table to a rollback.

The depot "e" is new when the server answers: the first version never saw it, and the second one learns it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from changing import run_command
from running import Talk, serving, until
from slow import mostly_slow

from mlops_lab import Project, clock, evaluate, explain, train
from mlops_lab.project import load_project

PAST, LIVE = 400, 120
START = datetime(2024, 3, 1, tzinfo=UTC)
EFFECT = {"a": 0.0, "b": 0.6, "c": -0.8, "e": 3.5}
SETTINGS = """
[rollout]
shadow_days = 1
canary_days = 1
canary_share = 0.5
max_loss = 5.0

[triggers]
every_days = 1
"""


@dataclass(frozen=True)
class Kind:
    """A task: what comes true, by a score that the inputs decide; and how its outputs read."""

    task: str
    quality: str
    has_time: bool

    def label(self, score: float) -> Any:
        """The outcome of a row with this score."""
        if self.task == "binary":
            return score > 1
        if self.task == "multiclass":
            return "low" if score < 0 else "middle" if score < 2 else "high"
        return round(score, 3)


KINDS = [
    Kind("binary", "auc", has_time=True),
    Kind("multiclass", "accuracy", has_time=False),
    Kind("regression", "rmse", has_time=True),
]


@dataclass
class Life:
    """The project, and the days that were lived."""

    folder: Path
    kind: Kind
    now: datetime
    past: list[dict[str, Any]] = field(default_factory=list)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(4))

    def command(self, *words: str, code: int = 0) -> Any:
        """What a command of the project prints."""
        result = run_command(self.folder, *words)
        assert result.code == code, result
        return result.output

    def rows(self, count: int, depots: str, start: datetime, *, minutes: int) -> list[dict[str, Any]]:
        """Rows as they come true, some minutes apart."""
        made = []
        for number in range(count):
            row = {"depot": str(self.random.choice(list(depots))), "items": int(self.random.integers(1, 9))}
            row["weight"] = None if number % 9 == 0 else round(float(self.random.normal()), 3)
            score = EFFECT[row["depot"]] + (row["weight"] or 0.0) + row["items"] / 8 + self.random.normal() / 4
            moment = {"asked_at": f"{start + timedelta(minutes=number * minutes):%Y-%m-%dT%H:%M:%SZ}"}
            made.append({**(moment if self.kind.has_time else {}), **row, "result": self.kind.label(float(score))})
        return made

    def answer_and_learn(self, talk: Talk) -> dict[str, Any]:
        """Answer requests and submit what came true; the last answer."""
        outcomes = []
        self.past = self.rows(LIVE, "abce", self.now + timedelta(hours=1), minutes=5)
        for row in self.past:
            answer = talk.predict({name: value for name, value in row.items() if name != "result"})
            outcomes.append({"id": answer["id"], "result": row["result"]})
        known_at = self.now + timedelta(hours=12) if self.kind.has_time else clock.now()
        told = talk.tell([{**outcome, "known_at": known_at.isoformat()} for outcome in outcomes])
        assert told["counts"]["accepted"] == LIVE, told
        return answer

    def end_day(self) -> list[str]:
        """What the loop decides at the end of the day; by the machine's clock, some minutes after a day is over."""
        self.now += timedelta(days=1, minutes=0 if self.kind.has_time else 10)
        return [decision["what"] for decision in self.command("tick", "--at", self.now.isoformat())["decisions"]]


@pytest.mark.parametrize("kind", mostly_slow(KINDS, quick=KINDS[2:]), ids=lambda kind: kind.task)
def test_from_a_table_to_a_rollback(kind: Kind, tmp_path: Path) -> None:
    now = START + timedelta(days=20) if kind.has_time else clock.now()
    life = Life(tmp_path / "shop", kind, now)
    make_project(life)
    assert life.command("run")["what"] == "bootstrap"
    with serving(load_project(life.folder)) as server:
        talk = server.talk()
        assert life.answer_and_learn(talk)["version"] == 1
        new = sum(row["depot"] == "e" for row in life.past)
        assert f'mlops_unseen_values_total{{input="depot",worker="0"}} {new}\n' in talk.text("/metrics")
        if kind.has_time:
            assert life.end_day() == ["retrain", "shadow"]
        else:
            assert life.command("run")["what"] == "shadow", "it learns from what the server acknowledged"
        until(lambda: talk.status["generation"] == len(life.command("history")["decisions"]))
        assert life.answer_and_learn(talk)["version"] == 1
        assert life.end_day() == ["canary"]
        life.answer_and_learn(talk)
        assert "promote" in life.end_day()
        until(lambda: talk.status["champion"] == 2)
        answer = life.answer_and_learn(talk)
        assert answer["version"] == 2
        assert life.command("rollback")["champion"] == 1
        until(lambda: talk.status["champion"] == 1)
        assert life.answer_and_learn(talk)["version"] == 1
    check_batch_scoring(life, answer)
    check_notebook(life, answer)


def make_project(life: Life) -> None:
    """`mlops init` of a table of the past; the steps of a rollout are short."""
    rows = life.rows(PAST, "abc", START, minutes=24 * 60 * 20 // PAST)
    data = life.folder.parent / "shop.csv"
    pl.DataFrame(rows).write_csv(data)
    made = run_command(None, "init", str(life.folder), "--data", str(data), "--target", "result")
    assert made.code == 0, made
    assert made.output["task"] == ("multiclass" if life.kind.task == "multiclass" else life.kind.task)
    settings = life.folder / "mlops.toml"
    text = settings.read_text()
    if life.kind.has_time:
        text = text.replace('name = "shop"', 'name = "shop"\nclock = "data"', 1)
    settings.write_text(text + SETTINGS)


def check_batch_scoring(life: Life, answer: dict[str, Any]) -> None:
    """A file is answered by the version that is live now; and what is behind an earlier answer is known."""
    requests = [{**row, "result": None} for row in life.rows(5, "abce", life.now, minutes=1)]
    pl.DataFrame(requests).drop("result").write_csv(life.folder.parent / "asked.csv")
    scored = life.command("score", str(life.folder.parent / "asked.csv"))
    assert (scored["rows"], scored["unanswered"], scored["version"]) == (5, 0, 1)
    explained = life.command("explain", answer["id"])
    assert explained["version"]["number"] == 2
    assert explained["outcome"]["result"] is not None
    verified = life.command("features", "verify")
    assert verified["predictions"] >= 5 * LIVE
    assert verified["differing"] == 0


def check_notebook(life: Life, answer: dict[str, Any]) -> None:
    """The notebook sees the same project, trains from it, and judges the version that was taken back."""
    project = Project(life.folder)
    assert project.history()["what"].to_list()[-1] == "roll_back"
    assert life.kind.quality in train(project).quality
    version = project.version(2)
    assert not version.is_champion
    assert life.kind.quality in evaluate(version).quality
    assert answer["id"] in repr(explain(project, answer["id"]))
