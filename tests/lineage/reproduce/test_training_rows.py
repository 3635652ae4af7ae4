"""The rows that a version learned from, built again from its record."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from live_projects import live_project, template

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake import Lake
from mlops_lab.lineage.reproduce.training_rows import read_training_set
from mlops_lab.project import Project, load_project
from mlops_lab.registry.package import LINEAGE_FILE
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_version

__all__ = ["live_project", "template"]


@pytest.fixture
def project(live_project: Project, tmp_path: Path) -> Project:
    """A copy for one test, which does not sign, as those of older releases."""
    folder = Path(shutil.copytree(live_project.root, tmp_path / "parcels"))
    (folder / ".mlops" / "keys.json").unlink()
    return load_project(folder)


def lineage_of(project: Project) -> Path:
    found = find_version(read_decisions(Lake(project.lake_path)), 1)
    return project.root / found.package / LINEAGE_FILE


def test_the_rows_are_those_of_the_record_whatever_the_files_say_now(project: Project) -> None:
    (project.root / "pipeline.py").write_text("raise RuntimeError('the files of now play no part')")
    before = sorted(project.root.rglob("*"))
    found = read_training_set(project, 1)
    record = json.loads(lineage_of(project).read_text())
    assert (found.fingerprint, found.inputs.height) == (record["training_set"], record["rows"])
    assert sorted(project.root.rglob("*")) == before, "the project is only read"


def test_the_window_is_the_one_that_was_chosen(project: Project) -> None:
    lineage = lineage_of(project)
    lineage.write_text(json.dumps(json.loads(lineage.read_text()) | {"window": "last 7d"}))
    with pytest.raises(EnvironmentFault) as caught:
        read_training_set(project, 1)
    assert caught.value.code == "other_rows"
    assert caught.value.hint == "`mlops reproduce 1` names what differs"
