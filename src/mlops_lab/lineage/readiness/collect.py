"""Reads the evidence of a project; it changes nothing, and goes on where something cannot be read."""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from mlops_lab.alerts.deliveries import read_deliveries
from mlops_lab.errors import MlopsError
from mlops_lab.intake.now import stored_moment
from mlops_lab.lake import Lake
from mlops_lab.lineage.readiness.evidence import NO_MEASUREMENTS, Evidence, Logged
from mlops_lab.lineage.readiness.repository import read_repository
from mlops_lab.lineage.reproduce.notes import read_notes
from mlops_lab.loop.erasures import read_erasures
from mlops_lab.monitoring.measure import as_known_now
from mlops_lab.project import Project
from mlops_lab.registry.package import LINEAGE_FILE, PLAN_FILE
from mlops_lab.registry.store.project_runs import read_runs
from mlops_lab.rollout.decision_log import check_chain, decisions_of, read_entries
from mlops_lab.rollout.decisions import Decision, fold
from mlops_lab.rollout.versions import find_version, open_package_of
from mlops_lab.tables.declared import MEASUREMENTS, PREDICTIONS
from mlops_lab.tables.newest import newest_moments
from mlops_lab.tables.open_lake import open_lake, read_undone

_Read = TypeVar("_Read")
_MEASURED = ["at", "as_of", "monitor", "name", "version", "role", "value"]


class _Lineage(msgspec.Struct):
    commit: str = ""


class _Inputs(msgspec.Struct):
    inputs: list[str]


class _Features(msgspec.Struct):
    features: _Inputs


def read_evidence(project: Project) -> Evidence:
    """All that tests look at, as far as the lake knows it."""
    problems: list[str] = []

    def attempt(read: Callable[[], _Read], otherwise: _Read) -> _Read:
        try:
            return read()
        except MlopsError as error:
            problems.append(str(error))
            return otherwise

    lake = open_lake(project)
    nothing: tuple[Decision, ...] = ()
    decisions = attempt(lambda: _read_decisions(lake, problems), nothing)
    repository, unread = read_repository(project.root)
    problems += unread
    problems += [f"rows of {table} are missing until `mlops tick` adds them again" for table in read_undone(project)]
    return Evidence(
        settings=project.settings,
        now=attempt(lambda: stored_moment(project, lake), None),
        decisions=decisions,
        measurements=attempt(lambda: _read_measurements(lake), NO_MEASUREMENTS),
        tables=frozenset(lake.tables()),
        logged=attempt(lambda: _read_logged(project, lake), None),
        commit=attempt(lambda: _read_commit(project, decisions), None),
        inputs=_read_inputs(project, decisions),
        deliveries=attempt(lambda: read_deliveries(lake), []),
        erasures=attempt(lambda: read_erasures(lake), []),
        runs=attempt(lambda: read_runs(project), []),
        reproduced=attempt(lambda: read_notes(project), []),
        is_closed_to_others=not project.home.stat().st_mode & stat.S_IRWXO if project.home.is_dir() else None,
        repository=repository,
        problems=problems,
    )


def _read_decisions(lake: Lake, problems: list[str]) -> tuple[Decision, ...]:
    """The decisions; none where they are not what was written, because then they prove nothing."""
    entries = read_entries(lake)
    faults = check_chain(lake, entries)
    if faults:
        problems.append(
            f"the history is not what was written: {faults[0].what}; `mlops history --verify` shows all of it"
        )
        return ()
    return tuple(decisions_of(entries))


def _read_measurements(lake: Lake) -> pl.DataFrame:
    if not MEASUREMENTS.exists(lake):
        return NO_MEASUREMENTS
    return as_known_now(MEASUREMENTS.read(lake, columns=_MEASURED))


def _read_logged(project: Project, lake: Lake) -> Logged | None:
    if not PREDICTIONS.exists(lake):
        return None
    count = sum(file.rows for file in lake.files(PREDICTIONS.name).values())
    newest = newest_moments(lake, PREDICTIONS.name, PREDICTIONS.time, count=1).max() if count else None
    if not isinstance(newest, datetime):
        return None
    row = PREDICTIONS.read(lake, since=newest).sort("at", "id").row(-1, named=True)
    return Logged(
        count=count,
        id=str(row["id"]),
        on=newest.astimezone(ZoneInfo(project.timezone)).date(),
        inputs=frozenset(row),
    )


def _read_commit(project: Project, decisions: Sequence[Decision]) -> str | None:
    """The commit of which the champion was trained; the package is checked for that."""
    champion = fold(decisions).champion
    if champion is None:
        return None
    package = open_package_of(project, find_version(decisions, champion))
    return msgspec.json.decode(package.files.read(LINEAGE_FILE), type=_Lineage).commit


def _read_inputs(project: Project, decisions: Sequence[Decision]) -> dict[int, frozenset[str]]:
    """The inputs of each version; of one whose package is gone nothing is known."""
    found = {}
    for decision in decisions:
        if decision.version is None or decision.version in found or "package" not in decision.evidence:
            continue
        try:
            plan = (project.root / decision.evidence["package"] / PLAN_FILE).read_bytes()
            found[decision.version] = frozenset(msgspec.json.decode(plan, type=_Features).features.inputs)
        except (OSError, msgspec.MsgspecError):
            continue
    return found
