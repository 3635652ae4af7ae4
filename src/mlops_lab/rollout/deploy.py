"""From decisions to what servers follow: the routing table."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import msgspec

from mlops_lab.errors import EnvironmentFault
from mlops_lab.features.definition import Features, View
from mlops_lab.files import disk_fault
from mlops_lab.journal.segments import drop_segments
from mlops_lab.journal.workers import worker_paths
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.registry.package import load_plan
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState
from mlops_lab.rollout.start_state import _positions, prepare_state
from mlops_lab.rollout.versions import find_version
from mlops_lab.serving.answering.routing_table import (
    Arm,
    LiveVersion,
    RoutingTable,
    read_routing_table,
    write_routing_table,
)
from mlops_lab.serving.answering.worker_state import PREDICTION_INDEX

LONG_BYTES = 256 * 1024 * 1024
"""How much of the journals a server reads at most when it starts."""


def deploy(
    project: Project, lake: Lake, *, decisions: Sequence[Decision], state: RolloutState, fresh: bool = False
) -> RoutingTable | None:
    """Make the routing table what the decisions say; the table, or None where nothing is live yet.

    Idempotent: where the file already says so it is left alone. The state is prepared anew where `fresh`, or where
    a live version needs views that the present state does not hold.
    """
    if state.champion is None:
        return None
    present = _present(project)
    arms = tuple(Arm(find_version(decisions, version), share) for version, share in state.arms)
    champion = find_version(decisions, state.champion)
    challenger = find_version(decisions, state.challenger) if state.challenger else None
    previous = find_version(decisions, state.previous[-1]) if state.previous else None
    others = [live for live in (challenger, previous) if live is not None]
    views = _views(project, [champion, *others, *(arm.live for arm in arms)])
    if fresh or present is None or is_long(project, lake) or not views.keys() <= _covered(project, present):
        folder, positions = prepare_state(project, lake, views=list(views.values()))
    else:
        folder, positions = present.state, present.state_positions
    deployment = RoutingTable(
        generation=state.generation,
        champion=champion,
        challenger=challenger,
        canary_share=project.settings.rollout.canary_share if state.stage is DecisionKind.CANARY else 0.0,
        arms=arms,
        previous=previous,
        state=folder,
        state_positions=positions,
    )
    if deployment != present:
        try:
            write_routing_table(project.deployment_path, deployment)
        except OSError as error:
            raise disk_fault(error, project.deployment_path) from error
    _tidy(project, lake, deployment)
    return deployment


def _views(project: Project, lives: Sequence[LiveVersion]) -> dict[str, View]:
    plans = [load_plan(project.root / live.package, fingerprint=live.fingerprint) for live in lives]
    return {view.version: view for plan in plans for view in Features.from_dict(plan.features).views}


def _present(project: Project) -> RoutingTable | None:
    """The routing table that servers follow; None also where the state that it names is not there."""
    try:
        present = read_routing_table(project.deployment_path)
    except EnvironmentFault:
        return None
    return present if (project.root / present.state / PREDICTION_INDEX).is_dir() else None


def _covered(project: Project, present: RoutingTable) -> set[str]:
    path = project.root / present.state / "views.json"
    return set(msgspec.json.decode(path.read_bytes(), type=list[str])) if path.is_file() else set()


def _tidy(project: Project, lake: Lake, deployment: RoutingTable) -> None:
    """Delete states that nobody follows any more and journal segments that nobody needs any more."""
    for folder in project.state_path.iterdir():
        if folder != project.root / deployment.state:
            shutil.rmtree(folder, ignore_errors=True)
    needed = zip(
        worker_paths(project.journal_path), deployment.state_positions, _positions(project, lake), strict=False
    )
    for path, of_state, in_lake in needed:
        drop_segments(path, min(of_state, in_lake))


def is_long(project: Project, lake: Lake) -> bool:
    """Whether a server that starts would have to read too much of its journals: then it is time for a new state, and
    the segments before it can go."""
    present = _present(project)
    return present is not None and sum(_positions(project, lake)) - sum(present.state_positions) > LONG_BYTES
