"""What reaches different machines counts once, in whatever order they bring it into the lake that they share."""

from __future__ import annotations

import shutil
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
from one_of_each import AT, REQUEST

from mlops_lab.intake.elsewhere import WRITER, judge_unknown
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.journal.records import OutcomeRecord, PredictionRecord, Record, encode_frame
from mlops_lab.journal.workers import worker_path
from mlops_lab.journal.writer import Journal
from mlops_lab.lake import Lake
from mlops_lab.lake.commits import LocalCommits
from mlops_lab.monitoring.log_check import check_log
from mlops_lab.project import Project, load_project

YES, NO = {"late": True, "minutes": 20.0}, {"late": False, "minutes": 1.0}


class Shared(LocalCommits):
    """A folder that several machines see."""

    @property
    def is_shared(self) -> bool:
        return True


class Machine(NamedTuple):
    """A machine: its folder of the project, and the shared lake as it sees it."""

    project: Project
    lake: Lake

    def write(self, *records: Record) -> None:
        """Acknowledge records."""
        journal = Journal(worker_path(self.project.journal_path, 0))
        journal.append([encode_frame(list(records))])
        journal.close()

    def ingest(self) -> None:
        ingest_journal(self.project, self.lake)


@pytest.fixture
def machines(small, tmp_path: Path) -> tuple[Machine, Machine]:
    shared = tmp_path / "shared"
    shared.mkdir()

    def make(name: str) -> Machine:
        root = tmp_path / name / "project"
        shutil.copytree(small.project.root, root, ignore=shutil.ignore_patterns("shared", "a", "b", ".mlops"))
        project = load_project(root)
        project.home.mkdir()
        project.lake_path.symlink_to(shared, target_is_directory=True)
        return Machine(project, Lake(project.lake_path, commits=Shared(project.lake_path)))

    return make("a"), make("b")


def prediction(name: str, *, version: int = 1) -> PredictionRecord:
    return PredictionRecord(name, AT, version, "champion", 0.25, REQUEST, {"hour": 3.0})


def outcome(name: str, values: dict, *, of: PredictionRecord | None = None, hours: float = 1.0) -> OutcomeRecord:
    known_at = AT + timedelta(hours=hours)
    return OutcomeRecord(name, known_at, "accepted" if of else "unknown", values, of)


def told(machine: Machine) -> list[tuple[str, str, bool | None, int | None]]:
    """Each outcome that is more than unknown: its id, verdict, label, and the version that answered."""
    rows = machine.lake.read("outcomes").filter(pl.col("verdict") != "unknown").sort("id", "known_at")
    return rows.select("id", "verdict", "late", "version").rows()


@pytest.mark.parametrize("order", sorted(set(permutations("aabb"))))
def test_an_outcome_that_was_sent_to_the_other_server_counts_once(machines, order):
    a, b = machines
    a.write(prediction("x"))
    b.write(outcome("x", YES))
    for name in (*order, "a", "b"):
        (a if name == "a" else b).ingest()
    assert told(a) == [("x", "accepted", True, 1)]
    assert a.lake.read("predictions")["id"].to_list() == ["x"]
    row = a.lake.read("outcomes").filter(pl.col("verdict") == "accepted").row(0, named=True)
    assert (row["predicted_at"], row["shop"], row["output"]) == (AT, "a", 0.25)
    assert check_log(a.lake).problems == []


@pytest.mark.parametrize("first", ["a", "b"])
def test_an_id_that_both_servers_answered_is_one_prediction(machines, first):
    a, b = machines
    a.write(prediction("x", version=1), outcome("x", YES, of=prediction("x", version=1)))
    b.write(prediction("x", version=2), outcome("x", YES, of=prediction("x", version=2)))
    for machine in (a, b) if first == "a" else (b, a):
        machine.ingest()
    version = 1 if first == "a" else 2
    assert a.lake.read("predictions")["version"].to_list() == [version]
    assert told(a) == [("x", "accepted", True, version)]
    (aside,) = a.lake.read("quarantine").to_dicts()
    assert "another server answered this id before" in aside.values()


def test_another_outcome_at_the_other_server_is_a_conflict(machines):
    a, b = machines
    a.write(prediction("x"), outcome("x", YES, of=prediction("x")))
    a.ingest()
    b.write(prediction("x"), outcome("x", NO, of=prediction("x"), hours=2))
    b.ingest()
    assert [row[:2] for row in told(a)] == [("x", "accepted"), ("x", "conflict")]


def test_several_that_wait_for_one_prediction_are_judged_in_the_order_in_which_they_became_known(machines):
    a, b = machines
    b.write(outcome("x", NO, hours=3), outcome("x", YES, hours=1), outcome("x", YES, hours=1))
    b.ingest()
    assert told(a) == []
    a.write(prediction("x"))
    a.ingest()
    assert [row[:3] for row in told(a)] == [("x", "accepted", True), ("x", "corrected", False)]
    assert judge_unknown(a.project, a.lake) == 0
    assert a.lake.position("outcomes", WRITER) == 1


def test_what_is_of_no_prediction_or_comes_too_late_does_not_count(machines):
    a, b = machines
    days = a.project.settings.source.outcome_within_days
    b.write(outcome("nobody", YES), outcome("x", YES, hours=24 * days + 1), outcome("y", YES, hours=-1))
    a.write(prediction("x"), prediction("y"))
    for machine in (a, b, a):
        machine.ingest()
    assert [row[:2] for row in told(a)] == [("x", "too_late"), ("y", "too_early")]


def test_the_lake_of_one_machine_is_not_judged_again(small):
    one = Machine(small.project, small.lake)
    one.write(outcome("x", YES))
    one.ingest()
    one.write(prediction("x"))
    one.ingest()
    assert told(one) == []
