"""A copy of the small project in which its model is version 1."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project
from mlops_lab.rollout.decisions import Decision, DecisionKind


@dataclass
class Deployable:
    """The project, its lake, and the decision by which version 1 is live."""

    project: Project
    lake: Lake
    bootstrap: Decision

    def decide(self, what: DecisionKind, version: int, **evidence: object) -> Decision:
        """A decision about another version, which has the same package."""
        package = {name: self.bootstrap.evidence[name] for name in ("package", "fingerprint")}
        return Decision(self.bootstrap.at, what, version, "rule", "reason", "test", {**package, **evidence})


@pytest.fixture
def deployable(tiny, tmp_path: Path) -> Deployable:
    root = Path(shutil.copytree(tiny.project.root, tmp_path / "project"))
    project = load_project(root)
    evidence = {"package": "package", "fingerprint": tiny.fingerprint}
    bootstrap = Decision(tiny.now, DecisionKind.BOOTSTRAP, 1, "gates", "reason", "test", evidence)
    return Deployable(project, Lake(project.lake_path), bootstrap)
