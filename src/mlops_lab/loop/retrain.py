"""Retraining: a candidate is trained, registered, tested by the gates, and then sent into shadow or refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
import polars as pl

from mlops_lab.contracts.tables import CONTRACT_BREACH
from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.gates.base import GateInput, GateVerdict, finite, summarise
from mlops_lab.gates.run import run_gates
from mlops_lab.lake import Lake
from mlops_lab.loop.curves import loss_curves
from mlops_lab.loop.gate_input import code_of, make_gate_input
from mlops_lab.loop.observe import measurements_since, show_superseded
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.project import CONFIG_NAME, Project
from mlops_lab.registry.package import write_plan
from mlops_lab.registry.signing.sign import key_for_version
from mlops_lab.registry.store.records import RegisteredVersion, Registry, VersionContent
from mlops_lab.registry.store.tracking_faults import TRACKING_FAULT
from mlops_lab.registry.trust import trust_of_project
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState
from mlops_lab.rollout.versions import find_version
from mlops_lab.serving.answering.routing_table import LiveVersion
from mlops_lab.training.candidate import Candidate, choose_rows, make_plan, prepare_candidate
from mlops_lab.training.environment import code_commit, describe_environment, installed_packages
from mlops_lab.training.importance import measure_importances
from mlops_lab.training.packaging import NoEngineAgrees, package
from mlops_lab.training.place import fit_at_place
from mlops_lab.training.progress import Report
from mlops_lab.training.window import ALL

_NOT_TAGS = ("snapshots", "window_losses", "settings", "imported")
_MAY_BE_SECRET = ("data", "query")
"""Addresses may have passwords in them. Where rows came from makes no other model: the lake has them."""


def retrain(
    project: Project,
    lake: Lake,
    *,
    decisions: Sequence[Decision],
    state: RolloutState,
    now: datetime,
    by: str,
    report: Report,
    candidate: Candidate | None = None,
    registry: Registry | None = None,
    read_measurements: Callable[[datetime], pl.DataFrame] | None = None,
) -> Decision:
    """The decision about a new candidate: refuse, shadow, supersede, or (for the first version) bootstrap. It is not
    written yet. `candidate`, where it was prepared already; `registry` and `read_measurements`, where they are not the
    project's own.

    Depends on the lake, the code and `now` alone. Idempotent: what a killed run has already registered is found by the
    candidate's identity and not registered again.
    """
    is_own = registry is None
    if is_own and project.settings.tracking.uri:  # before the work, which would be for nothing
        registry = open_own_registry(project, decisions)
    report("training set")
    try:
        candidate = candidate or prepare_candidate(project, lake, now=now)
    except InvalidInput as error:
        if error.code != CONTRACT_BREACH:
            raise
        reason = f"the training data breaks its contract: {error.what}; {error.hint}"
        return Decision(now, DecisionKind.REFUSE, None, CONTRACT_BREACH, reason, by)
    if earlier := _find_identical(decisions, candidate.identity):
        known = f"version {earlier.version}" if earlier.version else f"the one refused before ({earlier.reason})"
        reason = (
            f"the candidate is identical to {known}: same training data, same code, same environment; new labels, or a "
            "change of pipeline.py or of mlops.toml, would make another"
        )
        return Decision(
            now, DecisionKind.REFUSE, earlier.version, "identical", reason, by, {"candidate": candidate.identity}
        )
    if is_own:
        is_first = not any("package" in decision.evidence for decision in decisions)
        key_for_version(project.home, is_first=is_first)  # now, and not after a training that takes long
        registry = registry or open_own_registry(project, decisions)
    assert registry is not None
    try:
        candidate, version = train_version(project, registry, candidate, now=now, report=report)
    except NoEngineAgrees as refusal:  # nothing is registered
        tried = {"candidate": candidate.identity, "engines": msgspec.to_builtins(refusal.tried)}
        return Decision(now, DecisionKind.REFUSE, None, "engine", refusal.what, by, tried)
    evidence: dict[str, Any] = {
        **package_of(project, version),
        "candidate": candidate.identity,
        "cutoff": candidate.learned.cutoff.isoformat(),
        "training_set": candidate.learned.fingerprint,
        **({} if candidate.window == ALL and not candidate.window_losses else _window_of(candidate)),
        **_sample_of(candidate),
        **({"imported": dict(candidate.imported)} if candidate.imported else {}),
    }
    report("gates")
    gate_input = make_gate_input(project, decisions, state, candidate, version)
    verdicts = run_gates(gate_input)
    registry.log_metrics(version, _metrics(verdicts), moment=now, curves=loss_curves(gate_input))
    passed, reason = summarise(verdicts)
    evidence |= {"gates": [asdict(verdict) for verdict in verdicts], **_importances(project, gate_input)}
    kind = _kind_of_accepted(state) if passed else DecisionKind.REFUSE
    if kind is DecisionKind.SUPERSEDE:
        read_measurements = read_measurements or partial(measurements_since, lake)
        shown, words = show_superseded(project, state, read_measurements=read_measurements, task=candidate.data.task)
        evidence["superseded"], reason = shown, f"{reason}; {words}"
    rule = next((verdict.gate for verdict in verdicts if not verdict.passed), "gates")
    registry.set_stage("champion" if kind is DecisionKind.BOOTSTRAP else "candidate", version.number)
    return Decision(now, kind, version.number, rule, reason, by, evidence)


def _kind_of_accepted(state: RolloutState) -> DecisionKind:
    """The kind of the decision about a candidate that passed its gates."""
    if state.champion is None:
        return DecisionKind.BOOTSTRAP
    return DecisionKind.SUPERSEDE if state.stage is DecisionKind.SHADOW else DecisionKind.SHADOW


def open_own_registry(project: Project, decisions: Sequence[Decision]) -> Registry:
    """The registry of the project. EnvironmentFault where it is not the one in which the versions are that were decided
    about: it would give their numbers to others; and where the first version would be one among another project's."""
    last = max((item.version or 0 for item in decisions if "package" in item.evidence), default=0)
    live = find_version(decisions, last) if last else None
    if live is not None:
        _check_server(project, live)
    from mlops_lab.registry.store.open_registry import check_free, open_registry  # brings MLflow, which takes 4 s

    registry = open_registry(project)
    if live is None:
        check_free(registry, project)
    else:
        registry.check_has(live.fingerprint, number=live.version)
    return registry


def _check_server(project: Project, live: LiveVersion) -> None:
    is_at_server = (project.root / live.package).is_relative_to(project.packages_path)
    if is_at_server and not project.settings.tracking.uri:
        raise EnvironmentFault(
            f"version {live.version} is registered at a tracking server, and [tracking] uri names none",
            code=TRACKING_FAULT,
            where=CONFIG_NAME,
            hint="write its address there: versions of another registry would get the numbers that it has given",
        )


def train_version(
    project: Project, registry: Registry, candidate: Candidate, *, now: datetime, report: Report
) -> tuple[Candidate, RegisteredVersion]:
    """The candidate with the rows that it learns from, and its version, trained unless it is registered already."""
    candidate = choose_rows(project, candidate)
    return candidate, registry.find(candidate.identity) or _train(project, registry, candidate, now=now, report=report)


def package_of(project: Project, version: RegisteredVersion) -> dict[str, str]:
    """Where a decision finds the package of a version, and its fingerprint; of a package of the project its place in
    it."""
    is_own = version.package.is_relative_to(project.root)
    package = version.package.relative_to(project.root) if is_own else version.package
    return {"package": str(package), "fingerprint": version.fingerprint}


def _find_identical(decisions: Sequence[Decision], identity: str) -> Decision | None:
    """The first decision about the same candidate, or None."""
    return next((decision for decision in decisions if decision.evidence.get("candidate") == identity), None)


def _train(
    project: Project, registry: Registry, candidate: Candidate, *, now: datetime, report: Report
) -> RegisteredVersion:
    """Train the candidate, package it and register it."""
    began = time.perf_counter()
    report("training")
    learned = candidate.learned
    fitted = fit_at_place(project.settings.training, candidate.pipeline, learned)
    report("packaging")
    packaged = package(
        fitted,
        make_plan(project, candidate, fitted),
        learned.inputs,
        trust=trust_of_project(project),
        try_all=project.settings.model.try_all,
    )
    report("registering")
    lineage = {
        "snapshots": [asdict(snapshot) for snapshot in learned.snapshots],
        "training_set": learned.fingerprint,
        "rows": learned.inputs.height,
        "cutoff": learned.cutoff.isoformat(),
        "until": learned.until.isoformat(),
        "settings": _settings_beside_file(project),
        "commit": code_commit(project.root),
        **code_of(candidate),
        **_window_of(candidate),
        **_sample_of(candidate),
        **({"imported": dict(candidate.imported)} if candidate.imported else {}),
    }
    content = VersionContent(
        engine=packaged.plan.engine,
        model=packaged.model,
        plan=write_plan(packaged.plan),
        agreement=msgspec.json.format(msgspec.json.encode(packaged.agreement)),
        classes=list(project.classes),
        profile=msgspec.json.encode(make_profiles(learned.inputs)),
        lineage=msgspec.json.format(msgspec.json.encode(lineage)),
        inputs=learned.inputs.head(5),
        requirements=installed_packages(),
        parameters=fitted.parameters,
        tags={key: str(value) for key, value in lineage.items() if key not in _NOT_TAGS}
        | {"snapshots": ", ".join(str(snapshot) for snapshot in learned.snapshots)}
        | {f"imported_{name}": value for name, value in candidate.imported.items()},
        code={CONFIG_NAME: project.layers.text.encode(), **candidate.pipeline.code},
        environment=msgspec.json.format(msgspec.json.encode(fitted.environment or describe_environment())),
        snapshots=learned.snapshots,
        seconds=time.perf_counter() - began,
    )
    return registry.register(
        content, candidate=candidate.identity, run_name=f"{project.name}-{now:%Y-%m-%d}", moment=now
    )


def _settings_beside_file(project: Project) -> list[str]:
    """What the environment and flags have set, as flags; without what makes no model."""
    overrides = project.layers.overrides().items()
    return [
        flag
        for path, flag in overrides
        if path[0] not in {"serving", "tracking", "lake"} and path[-1] not in _MAY_BE_SECRET
    ]


def _importances(project: Project, gate_input: GateInput) -> dict[str, dict[str, float]]:
    """How much the version needs its inputs, for the trigger that weighs their drift, where that is declared."""
    if project.settings.triggers.max_drift_loss is None:
        return {}
    data = gate_input.training
    found = measure_importances(gate_input.candidate.score, data.holdout_inputs, data.holdout_truth, task=data.task)
    return {"importances": finite(found)}


def _window_of(candidate: Candidate) -> dict[str, Any]:
    """Which rows it learned from, and the losses that this was chosen by."""
    losses = {"window_losses": dict(candidate.window_losses)} if candidate.window_losses else {}
    return {"window": candidate.window, **losses}


def _sample_of(candidate: Candidate) -> dict[str, int]:
    """Of how many rows those that it learned from are a sample, where they are one."""
    rows = candidate.learned.sampled_from
    return {} if rows is None else {"sampled_from": rows}


def _metrics(verdicts: Sequence[GateVerdict]) -> dict[str, float]:
    """The figures of all gates, as metrics of the training run."""
    return {f"{verdict.gate}.{name}": value for verdict in verdicts for name, value in verdict.evidence.items()} | {
        f"{verdict.gate}.passed": float(verdict.passed) for verdict in verdicts
    }
