from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from synthetic import make_world, write_project

from mlops_lab.exporters.runs.read import list_runs
from mlops_lab.lineage.compare import compare_runs
from mlops_lab.project import load_project
from mlops_lab.starter.dvc_repository import DvcRevision
from mlops_lab.starter.dvc_run import log_revision

COMMITTED = datetime(2024, 1, 2, tzinfo=UTC)


def revision(commit: str, auc: float) -> DvcRevision:
    return DvcRevision(
        repository=Path("/churn"),
        commit=commit * 40,
        moment=COMMITTED,
        outputs={},
        parameters={"train.trees": "20", "train.kind": "a"},
        metrics={"auc": auc},
    )


def test_a_revision_is_one_run_beside_the_trainings(tmp_path: Path) -> None:
    write_project(tmp_path, make_world())
    project = load_project(tmp_path)
    run = log_revision(project, revision("a", 0.7))
    assert log_revision(project, revision("a", 0.7)) == run
    other = log_revision(project, revision("b", 0.8))
    (shown,) = (each for each in list_runs(project).runs if each.id == run)
    assert (shown.kind, shown.name, shown.version) == ("dvc", "dvc aaaaaaa", None)
    assert shown.began == shown.ended == COMMITTED.isoformat()
    assert shown.source == {"file": "/churn", "commit": "a" * 40}
    assert shown.metrics == {"auc": 0.7}
    compared = compare_runs(project, [run, other], scores=False)
    assert compared.metrics == {"auc": [0.7, 0.8]}
    assert (compared.alike, compared.best) == (2, {})
