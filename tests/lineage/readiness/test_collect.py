"""Evidence read from a real project, and from one that was damaged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from mlops_lab.lineage.readiness.assess import assess
from mlops_lab.lineage.readiness.collect import read_evidence
from mlops_lab.lineage.readiness.evidence import Evidence
from mlops_lab.project import Project, load_project
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_version
from mlops_lab.tables.open_lake import open_lake


@pytest.fixture
def copied(live_project: Project, tmp_path: Path) -> Project:
    return load_project(shutil.copytree(live_project.root, tmp_path / "parcels"))


def test_a_project_with_a_first_version(live_project: Project) -> None:
    before = {path: path.stat().st_mtime_ns for path in live_project.root.rglob("*") if path.is_file()}
    evidence = read_evidence(live_project)
    assert evidence.problems == []
    assert (evidence.champion, len(evidence.trainings), evidence.logged) == (1, 1, None)
    assert evidence.commit == "unversioned"
    assert evidence.inputs.keys() == {1}
    assert {"parcels", "decisions"} <= evidence.tables
    assert {path: path.stat().st_mtime_ns for path in live_project.root.rglob("*") if path.is_file()} == before


def test_who_may_read_the_state(copied: Project) -> None:
    copied.home.chmod(0o750)
    assert read_evidence(copied).is_closed_to_others
    copied.home.chmod(0o755)
    assert not read_evidence(copied).is_closed_to_others


def test_a_project_without_a_lake_is_all_zeros(copied: Project) -> None:
    shutil.rmtree(copied.home)
    found = assess(copied)
    assert found.points_by_evidence == 0
    assert found.problems == []
    assert not copied.home.exists()


def test_rows_that_were_cut_off_are_told(copied: Project) -> None:
    """As after a power cut: the commits are undone when the lake is opened, and the intake adds the rows again."""
    for file in (copied.lake_path / "parcels").rglob("*.parquet"):
        file.write_bytes(file.read_bytes()[:60])
    assert read_evidence(copied).problems == ["rows of parcels are missing until `mlops tick` adds them again"]


def forget_the_package(project: Project) -> None:
    version = find_version(read_decisions(open_lake(project)), 1)
    (project.root / version.package / "plan.json").write_text("{")


def break_the_decisions(project: Project) -> None:
    for file in (project.lake_path / "decisions").rglob("*.parquet"):
        file.write_bytes(file.read_bytes()[:50])


def change_a_decision(project: Project) -> None:
    (file,) = {
        row["reason"]: path
        for path in (project.lake_path / "decisions").glob("*.parquet")
        for row in pl.read_parquet(path).iter_rows(named=True)
        if row["what"] == "bootstrap"
    }.values()
    pl.read_parquet(file).with_columns(by=pl.lit("nobody")).write_parquet(file)


def break_mlflow(project: Project) -> None:
    (project.mlflow_path / "mlflow.db").write_bytes(b"no database")


def break_a_note(project: Project) -> None:
    (project.home / "reproduced").mkdir()
    (project.home / "reproduced" / "1.json").write_text("{}")


@pytest.mark.parametrize(
    ("damage", "what", "is_left"),
    [
        (forget_the_package, "plan.json", lambda evidence: evidence.champion == 1 and evidence.commit is None),
        (break_the_decisions, "decisions", lambda evidence: evidence.decisions == ()),
        (change_a_decision, "the history is not what was written", lambda evidence: evidence.decisions == ()),
        (break_mlflow, "mlflow.db", lambda evidence: evidence.runs == []),
        (break_a_note, "reproduced/1.json", lambda evidence: evidence.reproduced == []),
    ],
)
def test_what_cannot_be_read_is_told_once_and_counts_for_nothing(
    copied: Project, damage: Callable[[Project], None], what: str, is_left: Callable[[Evidence], bool]
) -> None:
    before = assess(copied).points_by_evidence
    damage(copied)
    evidence = read_evidence(copied)
    assert any(what in problem for problem in evidence.problems), evidence.problems
    assert len(evidence.problems) == len(set(evidence.problems))
    assert is_left(evidence)
    assert assess(copied).points_by_evidence <= before
