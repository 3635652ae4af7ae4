"""Deploying: the routing table that servers follow is made from the decisions."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import NamedTuple

from mlops_lab.errors import EnvironmentFault
from mlops_lab.features.definition import Features
from mlops_lab.features.view import View
from mlops_lab.files import disk_fault, locked, write_atomically
from mlops_lab.journal.epochs import LogPosition, resume_at
from mlops_lab.journal.workers import worker_paths
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.rollout.compatibility import check_live_versions, find_conflicts
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import Decision, RolloutState, fold
from mlops_lab.rollout.journal_positions import journal_positions
from mlops_lab.rollout.journal_retention import drop_unneeded
from mlops_lab.rollout.next_step import share_now
from mlops_lab.rollout.shared_packages import named_versions, send_packages
from mlops_lab.rollout.start_state import prepare_state
from mlops_lab.rollout.versions import check_loads, classes_by_version, find_version, load_plan_of, open_package_of
from mlops_lab.serving.answering.routing_table import (
    Arm,
    LiveVersion,
    RoutingTable,
    read_routing_table,
    write_routing_table,
)
from mlops_lab.serving.answering.worker_state import PREDICTION_INDEX, read_contents
from mlops_lab.tables.declared import DECISIONS

LONG_BYTES = 256 * 1024 * 1024
"""How much of the journals a server reads at most when it starts."""


def deploy(
    project: Project, lake: Lake, *, decisions: Sequence[Decision], state: RolloutState, new_state: bool = False
) -> RoutingTable | None:
    """Make the routing table what the decisions say; the table, or None where no version is live yet.

    `decisions` are those that the caller knows. Where others have been made meanwhile, they are read again: a table
    never replaces one of a newer generation. Conflict, and nothing changes, where a live version needs what
    `mlops.toml` does not declare any more.

    Idempotent: where the file already says so it is left alone. The state that servers start from is prepared again
    with `new_state`, or where the current one is missing, too old, or lacks a view of a live version.
    """
    if state.champion is None:
        return None
    table = _deploy(project, lake, decisions, state, new_state=new_state)
    with lake.commits.tolerating():  # afterwards: a rollback must not wait for it
        send_packages(project, lake, named_versions(*_with_newer(lake, decisions, state)))
    return table


def _deploy(
    project: Project, lake: Lake, decisions: Sequence[Decision], state: RolloutState, *, new_state: bool
) -> RoutingTable:
    if not new_state:
        with locked(project.deployment_lock_path):
            if (table := _replace(project, lake, decisions, state)) is not None:
                return table
    with locked(project.state_lock_path):  # only one at a time: a state never takes the place of one that knows more
        while True:
            decisions, state = _with_newer(lake, decisions, state)
            views = _views_of(project, _live_versions(project, decisions, state))
            current = _read_current(project)
            before = project.root / current.state if current is not None else None
            name, positions = prepare_state(project, lake, views=list(views.values()), before=before)
            with locked(project.deployment_lock_path):
                table = _replace(project, lake, decisions, state, prepared=_Prepared(name, positions, views.keys()))
            if table is not None:  # else a version that looks up something else has become live meanwhile
                _delete_states(project, table)
                return table


class _Prepared(NamedTuple):
    """A state to start from: its folder, the positions of its journals, and the versions of the views in it."""

    folder: str
    positions: tuple[LogPosition, ...]
    views: Collection[str]


def _replace(
    project: Project,
    lake: Lake,
    decisions: Sequence[Decision],
    state: RolloutState,
    *,
    prepared: _Prepared | None = None,
) -> RoutingTable | None:
    """Make the routing table what the newest decisions say, with the prepared state or the present one; None, and
    nothing changes, where that will not do. Only with the table's lock held."""
    decisions, state = _with_newer(lake, decisions, state)
    check_live_versions(project, decisions, state)
    is_all = DECISIONS.position(lake, DECISIONS.name) == len(decisions)
    present = _read_table(project)
    if present is not None and present.generation > state.generation and not is_all:
        return present
    current = _read_current(project)
    if prepared is None and current is not None and not has_long_journal(project, lake):
        prepared = _Prepared(current.state, current.log_positions, _views_in_state(project, current))
    live = _live_versions(project, decisions, state)
    if prepared is None or not _views_of(project, live).keys() <= set(prepared.views):
        return None
    assert state.champion is not None
    previous = _find_previous(project, decisions, state)
    table = RoutingTable(
        generation=state.generation,
        champion=find_version(decisions, state.champion),
        challenger=find_version(decisions, state.challenger) if state.challenger else previous if state.watch else None,
        canary_share=share_now(project, state),
        arms=tuple(Arm(find_version(decisions, version), share) for version, share in state.arms),
        previous=previous,
        state=prepared.folder,
        state_positions=tuple(item.position for item in prepared.positions),
        state_epochs=tuple(item.epoch for item in prepared.positions),
        classes=classes_by_version(project, decisions),
    )
    if table != present:
        try:
            write_routing_table(project.deployment_path, table)
        except OSError as error:
            raise disk_fault(error, project.deployment_path) from error
    _drop_segments(project, lake, table)
    return table


def _with_newer(
    lake: Lake, decisions: Sequence[Decision], state: RolloutState
) -> tuple[Sequence[Decision], RolloutState]:
    """The decisions and their state, read again where others were made meanwhile."""
    if DECISIONS.position(lake, DECISIONS.name) <= len(decisions):
        return decisions, state
    newest = read_decisions(lake)
    return newest, fold(newest)


def _live_versions(project: Project, decisions: Sequence[Decision], state: RolloutState) -> list[LiveVersion]:
    """The versions of the routing table, the champion first."""
    assert state.champion is not None
    numbers = [state.champion, *([state.challenger] if state.challenger else []), *(arm for arm, _ in state.arms)]
    previous = _find_previous(project, decisions, state)
    return [*(find_version(decisions, number) for number in numbers), *([previous] if previous else [])]


def _find_previous(project: Project, decisions: Sequence[Decision], state: RolloutState) -> LiveVersion | None:
    """The version before the champion, which servers keep loaded; None where it could not answer any more. One whose
    package cannot be read is named: servers say so, and load it when it is back."""
    if not state.previous:
        return None
    with suppress(EnvironmentFault):
        if find_conflicts(project, load_plan_of(project, decisions, state.previous[-1])):
            return None
    return find_version(decisions, state.previous[-1])


def check_deployable(project: Project, decisions: Sequence[Decision], state: RolloutState) -> None:
    """An error, before anything is decided, where servers could not follow what would lead to this state: its champion
    cannot answer, a version does not fit `mlops.toml`, or the routing table cannot be replaced."""
    if state.champion is not None:
        check_loads(project, decisions, state.champion)
    check_live_versions(project, decisions, state)
    path = project.deployment_path
    with locked(project.deployment_lock_path), suppress(FileNotFoundError):
        try:
            write_atomically(path, path.read_bytes())
        except FileNotFoundError:
            raise
        except OSError as error:
            raise disk_fault(error, path) from error


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
    """The views that these versions look up, by the view's own version. Those of a version whose package cannot be read
    are not known; only the first, the champion, must be readable."""
    views: dict[str, View] = {}
    for number, version in enumerate(versions):
        try:
            plan = open_package_of(project, version).plan
        except EnvironmentFault:
            if number == 0:
                raise
        else:
            views |= {view.version: view for view in Features.from_dict(plan.features).views}
    return views


def _read_table(project: Project) -> RoutingTable | None:
    """The routing table in the file; None where it is missing or damaged."""
    try:
        return read_routing_table(project.deployment_path)
    except EnvironmentFault:
        return None


def is_followed(project: Project, table: RoutingTable | None) -> bool:
    """Whether the file still holds this table."""
    return table is not None and _read_table(project) == table


def deployed_generation(project: Project) -> int | None:
    """How many decisions are in the routing table; None where it is missing or damaged."""
    table = _read_table(project)
    return table.generation if table is not None else None


def _read_current(project: Project) -> RoutingTable | None:
    """The routing table that servers follow; None also where the state that it names is missing."""
    table = _read_table(project)
    return table if table is not None and (project.root / table.state / PREDICTION_INDEX).is_dir() else None


def _views_in_state(project: Project, table: RoutingTable) -> set[str]:
    """The versions of the views that the state of the routing table holds; where they are not known, none: the state is
    prepared again."""
    contents = read_contents(project.root / table.state)
    return {*contents.views} if contents else set()


def _delete_states(project: Project, table: RoutingTable) -> None:
    """Delete states that no server follows any more. Only with the lock of the state held."""
    for folder in project.state_path.iterdir():
        if folder != project.root / table.state:
            shutil.rmtree(folder, ignore_errors=True)


def _drop_segments(project: Project, lake: Lake, table: RoutingTable) -> None:
    """Delete journal segments that are in the state and in the lake."""
    in_state, in_lake = _state_positions(project, table), journal_positions(project, lake)
    drop_unneeded(project, lake, [min(first, second.position) for first, second in zip(in_state, in_lake, strict=True)])
