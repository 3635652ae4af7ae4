"""A registered version, which answers in a notebook as it does in the server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from mlops_lab.features.definition import Features
from mlops_lab.inference.predictor import Predictor
from mlops_lab.lake import Lake
from mlops_lab.notebook.display import Displayed, Sheet, write_value
from mlops_lab.project import Project
from mlops_lab.registry.package import LINEAGE_FILE, read_file
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import fold
from mlops_lab.rollout.versions import find_champion, find_version, load_predictor


@dataclass(frozen=True, repr=False)
class Version(Displayed):
    """A version: its number, its predictor, and its lineage (snapshots, training set, commit, environment)."""

    project: Project
    number: int
    is_champion: bool
    predictor: Predictor
    lineage: dict[str, Any]

    @property
    def title(self) -> str:
        """The name of the version."""
        return f"version {self.number} of {self.project.name}"

    @property
    def features(self) -> Features:
        """The features that it uses."""
        return self.predictor.features

    @property
    def cutoff(self) -> datetime:
        """The version was trained on requests before this moment."""
        return datetime.fromisoformat(self.lineage["cutoff"])

    def _sheet(self) -> Sheet:
        facts = [
            ("engine", self.predictor.plan.engine),
            ("trained on", f"{self.lineage['rows']:,} rows before {write_value(self.cutoff)} UTC"),
            ("snapshots", ", ".join(f"{entry['table']}@{entry['version']}" for entry in self.lineage["snapshots"])),
            ("commit", self.lineage["commit"]),
            ("package", str(self.predictor.package)),
        ]
        champion = ", which is live" if self.is_champion else ""
        return Sheet(f"{self.title}{champion}", facts)


def open_version(project: Project, lake: Lake, number: int | None) -> Version:
    """The version of that number, or the champion; NotFound or InvalidInput where there is none."""
    decisions = read_decisions(lake)
    live = find_champion(decisions) if number is None else find_version(decisions, number)
    predictor = load_predictor(project, decisions, live.version)
    lineage = msgspec.json.decode(read_file(predictor.package, LINEAGE_FILE), type=dict[str, Any])
    return Version(project, live.version, live.version == fold(decisions).champion, predictor, lineage)
