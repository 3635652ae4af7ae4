"""Registered versions, found by what the decisions recorded of them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from mlops_lab.errors import EnvironmentFault, InvalidInput, NotFound
from mlops_lab.features.definition import Features
from mlops_lab.inference.predictor import Predictor
from mlops_lab.project import Project
from mlops_lab.registry.package import Package, Plan, open_package
from mlops_lab.registry.signing.package_files import SIGNATURE_CODES
from mlops_lab.rollout.decisions import Decision, RolloutState, fold
from mlops_lab.serving.answering.routing_table import LiveVersion

_RESTORE = "nothing was decided; restore the folder of its package from a backup, and run it again"


def find_version(decisions: Sequence[Decision], version: int) -> LiveVersion:
    """The version with the folder of its package and its fingerprint, as its first decision recorded them."""
    for decision in decisions:
        if decision.version == version and "package" in decision.evidence:
            return LiveVersion(version, decision.evidence["package"], decision.evidence["fingerprint"])
    raise NotFound(
        f"version {version} is not recorded", code="unknown_version", hint="`mlops history` lists the versions"
    )


def load_plan_of(project: Project, decisions: Sequence[Decision], version: int) -> Plan:
    """The plan of a version, from its package."""
    return open_package_of(project, find_version(decisions, version)).plan


def open_package_of(project: Project, live: LiveVersion) -> Package:
    """The package of a version of the project, checked."""
    return open_package(package_folder(project, live), fingerprint=live.fingerprint, home=project.home)


def package_folder(project: Project, live: LiveVersion) -> Path:
    """The folder of the package of a version; where this machine does not have it yet, it is fetched from the tracking
    server, and checked. EnvironmentFault where that cannot be done."""
    folder = project.root / live.package
    if project.settings.tracking.uri and not folder.is_dir():
        from mlops_lab.registry.store.open_registry import open_registry  # brings MLflow: 4 s, once for each version

        try:
            open_registry(project).fetch(live.version, fingerprint=live.fingerprint, package=folder)
        except EnvironmentFault as fault:
            what = f"the package of version {live.version} is not on this machine: {fault.what}"
            raise EnvironmentFault(what, code=fault.code, where=fault.where, hint=fault.hint) from fault
    return folder


def classes_by_version(project: Project, decisions: Sequence[Decision]) -> dict[int, list[str]]:
    """By version the classes of its outputs, in their order; empty where the project predicts no class.

    `mlops.toml` may have declared others since. A version whose package cannot be read is left out.
    """
    classes: dict[int, list[str]] = {}
    for decision in decisions if project.classes else ():
        if decision.version is not None and "package" in decision.evidence:
            with contextlib.suppress(EnvironmentFault):
                classes[decision.version] = load_plan_of(project, decisions, decision.version).classes
    return classes


def load_features(project: Project, decisions: Sequence[Decision], version: int) -> Features:
    """The feature definition of a version, from its package."""
    return Features.from_dict(load_plan_of(project, decisions, version).features)


def load_predictor(project: Project, decisions: Sequence[Decision], version: int) -> Predictor:
    """A version, ready to score, from its package."""
    found = find_version(decisions, version)
    return Predictor(package_folder(project, found), version=version, fingerprint=found.fingerprint, home=project.home)


def check_loads(project: Project, decisions: Sequence[Decision], version: int) -> None:
    """EnvironmentFault where the version could not answer, because its package is missing or damaged."""
    try:
        load_predictor(project, decisions, version)
    except EnvironmentFault as fault:
        raise EnvironmentFault(
            f"version {version} cannot answer: {fault.what}",
            code=fault.code,
            where=fault.where,
            hint=f"nothing was decided; {fault.hint}" if fault.code in SIGNATURE_CODES else _RESTORE,
        ) from fault


def live_versions(state: RolloutState) -> list[int]:
    """The versions that servers load, the champion first, then the one before it."""
    live = [state.champion, *state.previous[-1:], state.challenger, *(version for version, _ in state.arms)]
    return [*dict.fromkeys(number for number in live if number is not None)]


def find_unreadable(
    project: Project, decisions: Sequence[Decision], state: RolloutState
) -> dict[int, EnvironmentFault]:
    """The live versions whose packages cannot be read or are refused, the one before the champion among them, and
    why."""
    unreadable = {}
    for version in live_versions(state):
        try:
            load_plan_of(project, decisions, version)
        except EnvironmentFault as fault:
            unreadable[version] = fault
    return unreadable


def find_champion(decisions: Sequence[Decision]) -> LiveVersion:
    """The version that is live; InvalidInput where none is."""
    champion = fold(decisions).champion
    if champion is None:
        raise InvalidInput("no version is live yet", code="nothing_live", hint="run `mlops run` first")
    return find_version(decisions, champion)
