"""Deploying: the routing table that servers follow is made from the decisions."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import msgspec

from mlops_lab.errors import EnvironmentFault
from mlops_lab.features.definition import Features
from mlops_lab.features.view import View
from mlops_lab.files import disk_fault
from mlops_lab.journal.epochs import resume_at
from mlops_lab.journal.workers import worker_paths
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.registry.package import load_plan
from mlops_lab.rollout.compatibility import check_live_versions, find_conflicts
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState
from mlops_lab.rollout.journal_positions import journal_positions
from mlops_lab.rollout.journal_retention import drop_unneeded
from mlops_lab.rollout.start_state import VIEWS_FILE, prepare_state
from mlops_lab.rollout.versions import classes_by_version, find_version, load_plan_of
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
    project: Project, lake: Lake, *, decisions: Sequence[Decision], state: RolloutState, new_state: bool = False
) -> RoutingTable | None:
    """Make the routing table what the decisions say; the table, or None where no version is live yet.

    Conflict, and nothing changes, where a live version needs what `mlops.toml` does not declare any more.

    Idempotent: where the file already says so it is left alone. The state that servers start from is prepared again
    with `new_state`, or where the current one is missing, too old, or lacks a view of a live version.
    """
    if state.champion is None:
        return None
    check_live_versions(project, decisions, state)
    current = _read_current(project)
    arms = tuple(Arm(find_version(decisions, version), share) for version, share in state.arms)
    champion = find_version(decisions, state.champion)
    challenger = find_version(decisions, state.challenger) if state.challenger else None
    previous = _find_previous(project, decisions, state)
    others = [version for version in (challenger, previous) if version is not None]
    views = _views_of(project, [champion, *others, *(arm.live for arm in arms)])
    if (
        new_state
        or current is None
        or has_long_journal(project, lake)
        or not views.keys() <= _views_in_state(project, current)
    ):
        folder, positions = prepare_state(project, lake, views=list(views.values()))
    else:
        folder, positions = current.state, current.log_positions
    table = RoutingTable(
        generation=state.generation,
        champion=champion,
        challenger=challenger,
        canary_share=project.settings.rollout.canary_share if state.stage is DecisionKind.CANARY else 0.0,
        arms=arms,
        previous=previous,
        state=folder,
        state_positions=tuple(item.position for item in positions),
        state_epochs=tuple(item.epoch for item in positions),
        classes=classes_by_version(project, decisions),
    )
    if table != current:
        try:
            write_routing_table(project.deployment_path, table)
        except OSError as error:
            raise disk_fault(error, project.deployment_path) from error
    _delete_unused(project, lake, table)
    return table


def _find_previous(project: Project, decisions: Sequence[Decision], state: RolloutState) -> LiveVersion | None:
    """The version before the champion, which servers keep loaded; None where it could not answer any more."""
    if not state.previous or find_conflicts(project, load_plan_of(project, decisions, state.previous[-1])):
        return None
    return find_version(decisions, state.previous[-1])


def has_long_journal(project: Project, lake: Lake) -> bool:
    """Whether a server that starts would have to read too much of its journals. Then it is time for a new state: the
    segments before it can be deleted."""
    current = _read_current(project)
    if current is None:
        return False
    logs = zip(_state_positions(project, current), journal_positions(project, lake), strict=True)
    return sum(max(0, in_lake.position - in_state) for in_state, in_lake in logs) > LONG_BYTES


def _state_positions(project: Project, table: RoutingTable) -> list[int]:
    """By worker, the position from which a server reads the journal."""
    paths = worker_paths(project.journal_path)
    known = dict(enumerate(table.log_positions))
    return [resume_at(path, known.get(worker)) for worker, path in enumerate(paths)]


def _views_of(project: Project, versions: Sequence[LiveVersion]) -> dict[str, View]:
    """The views that these versions look up, by the view's own version."""
    plans = [load_plan(project.root / version.package, fingerprint=version.fingerprint) for version in versions]
    return {view.version: view for plan in plans for view in Features.from_dict(plan.features).views}


def _read_current(project: Project) -> RoutingTable | None:
    """The routing table that servers follow; None also where the state that it names is missing."""
    try:
        current = read_routing_table(project.deployment_path)
    except EnvironmentFault:
        return None
    return current if (project.root / current.state / PREDICTION_INDEX).is_dir() else None


def _views_in_state(project: Project, table: RoutingTable) -> set[str]:
    """The versions of the views that the state of the routing table holds."""
    path = project.root / table.state / VIEWS_FILE
    try:
        return set(msgspec.json.decode(path.read_bytes(), type=list[str]))
    except (OSError, msgspec.DecodeError):  # none, or damaged: the state is prepared again
        return set()


def _delete_unused(project: Project, lake: Lake, table: RoutingTable) -> None:
    """Delete states that no server follows any more, and journal segments that are in the state and in the lake."""
    for folder in project.state_path.iterdir():
        if folder != project.root / table.state:
            shutil.rmtree(folder, ignore_errors=True)
    in_state, in_lake = _state_positions(project, table), journal_positions(project, lake)
    drop_unneeded(project, lake, [min(first, second.position) for first, second in zip(in_state, in_lake, strict=True)])
