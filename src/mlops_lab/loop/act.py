"""The third step of a tick: write the decision down, then make the servers and MLflow follow it.

What servers follow is written by `rollout.deploy`, a candidate is trained by `loop.retrain`.
"""

from __future__ import annotations

from mlops_lab.errors import Refused
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision, RolloutState, write_decision


def record_decision(lake: Lake, decision: Decision, *, earlier: int) -> None:
    """Write down the decision that follows the `earlier` ones; Refused where another process has decided meanwhile."""
    if not write_decision(lake, decision, earlier=earlier):
        raise Refused(
            "another process decided something meanwhile",
            code="decided_meanwhile",
            hint="look at `mlops history` and run it again",
        )


def name_champion(project: Project, state: RolloutState) -> None:
    """Set MLflow's alias, so that `models:/NAME@champion` is the version that answers here."""
    if state.champion is not None:
        from mlops_lab.registry.store.model_registry import (
            ModelRegistry,  # brings MLflow: 4 s that most ticks do not need
        )

        ModelRegistry(project.mlflow_path, name=project.name).set_stage("champion", state.champion)
