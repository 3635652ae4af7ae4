"""The verifier of a project, as `mlops features verify` makes it."""

from functools import partial

from mlops_lab.lake import Lake
from mlops_lab.monitoring.parity import Verifier
from mlops_lab.project import Project
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import load_plan_of, load_predictor


def make_verifier(project: Project, lake: Lake) -> Verifier:
    """It loads versions by what was decided until now."""
    decisions = read_decisions(lake)
    return Verifier(
        project,
        lake,
        plan_of=partial(load_plan_of, project, decisions),
        predictor_of=partial(load_predictor, project, decisions),
    )
