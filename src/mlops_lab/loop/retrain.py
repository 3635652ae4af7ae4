"""Retraining: a candidate is trained, registered, tested by the gates, and then sent into shadow or refused."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from mlops_lab.errors import MlopsError
from mlops_lab.features.definition import Features
from mlops_lab.features.offline import compute
from mlops_lab.gates.base import GateInput, GateVerdict, summarise
from mlops_lab.gates.run import run_gates
from mlops_lab.gates.served import alike_inputs
from mlops_lab.inference.predictor import Predictor
from mlops_lab.lake import Lake
from mlops_lab.loop.observe import show_superseded
from mlops_lab.monitoring.logged_inputs import logged_inputs
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.project import Project
from mlops_lab.registry.package import LINEAGE_FILE, write_plan
from mlops_lab.registry.store.model_registry import ModelRegistry
from mlops_lab.registry.store.records import RegisteredVersion, VersionContent
from mlops_lab.registry.trust import trust_of_project
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState
from mlops_lab.rollout.versions import find_version, load_plan_of, load_predictor
from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.tables.facts import AS_OF
from mlops_lab.tables.fields import request_fields
from mlops_lab.tasks.multiclass import order_classes
from mlops_lab.training.agreement import read_agreement
from mlops_lab.training.backtest import equal_blocks
from mlops_lab.training.baseline import fit_baseline
from mlops_lab.training.candidate import Candidate, make_plan, prepare_candidate
from mlops_lab.training.environment import code_commit, environment_fingerprint, installed_packages
from mlops_lab.training.fit import fit, to_answers
from mlops_lab.training.outcome_delay import read_training_facts
from mlops_lab.training.packaging import NoEngineAgrees, package
from mlops_lab.training.progress import Report

_TWIN_MAY_LACK = timedelta(days=1)
"""How much less than all before the held-out rows a version may have learned from to be the twin of a candidate."""


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
) -> Decision:
    """The decision about a new candidate: refuse, shadow, or (for the first version) bootstrap. It is not written yet.
    `candidate`, where it was prepared already.

    Depends on the lake, the code and `now` alone. Idempotent: what a killed run has already registered is found by the
    candidate's identity and not registered again.
    """
    report("training set")
    candidate = candidate or prepare_candidate(project, lake, now=now)
    if earlier := _find_identical(decisions, candidate.identity):
        known = f"version {earlier.version}" if earlier.version else f"the one refused before ({earlier.reason})"
        reason = f"the candidate is identical to {known}: same training data, same code, same environment"
        return Decision(
            now, DecisionKind.REFUSE, earlier.version, "identical", reason, by, {"candidate": candidate.identity}
        )
    registry = ModelRegistry(project.mlflow_path, name=project.name)
    try:
        version = registry.find(candidate.identity) or _train(project, registry, candidate, now=now, report=report)
    except NoEngineAgrees as refusal:  # nothing is registered
        tried = {"candidate": candidate.identity, "engines": msgspec.to_builtins(refusal.tried)}
        return Decision(now, DecisionKind.REFUSE, None, "engine", refusal.what, by, tried)
    report("gates")
    verdicts = run_gates(_make_gate_input(project, lake, decisions, state, candidate, version))
    registry.log_metrics(version, _metrics(verdicts), moment=now)
    passed, reason = summarise(verdicts)
    evidence: dict[str, Any] = {
        "package": str(version.package.relative_to(project.root)),
        "fingerprint": version.fingerprint,
        "candidate": candidate.identity,
        "cutoff": candidate.learned.cutoff.isoformat(),
        "training_set": candidate.learned.fingerprint,
        "gates": [asdict(verdict) for verdict in verdicts],
    }
    kind = _kind_of_accepted(state) if passed else DecisionKind.REFUSE
    if kind is DecisionKind.SUPERSEDE:
        shown, words = show_superseded(project, lake, state, task=candidate.data.task)
        evidence["superseded"], reason = shown, f"{reason}; {words}"
    rule = next((verdict.gate for verdict in verdicts if not verdict.passed), "gates")
    registry.set_stage("champion" if kind is DecisionKind.BOOTSTRAP else "candidate", version.number)
    return Decision(now, kind, version.number, rule, reason, by, evidence)


def _kind_of_accepted(state: RolloutState) -> DecisionKind:
    """The kind of the decision about a candidate that passed its gates."""
    if state.champion is None:
        return DecisionKind.BOOTSTRAP
    return DecisionKind.SUPERSEDE if state.stage is DecisionKind.SHADOW else DecisionKind.SHADOW


def _find_identical(decisions: Sequence[Decision], identity: str) -> Decision | None:
    """The first decision about the same candidate, or None."""
    return next((decision for decision in decisions if decision.evidence.get("candidate") == identity), None)


def _train(
    project: Project, registry: ModelRegistry, candidate: Candidate, *, now: datetime, report: Report
) -> RegisteredVersion:
    """Train the candidate, package it and register it."""
    report("training")
    learned = candidate.learned
    fitted = fit(candidate.pipeline, learned)
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
        "commit": code_commit(project.root),
        **_code_of(candidate),
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
        tags={key: str(value) for key, value in lineage.items() if key != "snapshots"}
        | {"snapshots": ", ".join(str(snapshot) for snapshot in learned.snapshots)},
    )
    return registry.register(
        content, candidate=candidate.identity, run_name=f"{project.name}-{now:%Y-%m-%d}", moment=now
    )


def _make_gate_input(
    project: Project,
    lake: Lake,
    decisions: Sequence[Decision],
    state: RolloutState,
    candidate: Candidate,
    version: RegisteredVersion,
) -> GateInput:
    data = candidate.data
    predictor = Predictor(version.package, version=version.number, fingerprint=version.fingerprint)
    output = predictor.score(data.holdout_inputs)
    moments = data.holdout[project.settings.source.time]
    by_day = project.settings.backtest.share is None
    return GateInput(
        project=project,
        candidate=predictor,
        training=data,
        blocks=moments.dt.convert_time_zone(project.timezone).dt.date() if by_day else equal_blocks(len(moments)),
        agreement=read_agreement(version.package),
        candidate_output=_answers_of_twin(project, decisions, candidate) if candidate.has_twin else output,
        version_output=output,
        baseline=fit_baseline(data),
        champion_version=state.champion,
        champion_output=_champion_output(project, lake, decisions, state, candidate),
        served=_served(project, lake, decisions, state, candidate),
    )


def _answers_of_twin(project: Project, decisions: Sequence[Decision], candidate: Candidate) -> pl.Series:
    """The answers to the held-out rows of the twin, which has not learned from them.

    Where the same code was trained on the day on which they begin, as on a schedule, that version is the twin.
    """
    data = candidate.data
    for decision in reversed(decisions):
        if decision.version is None or "cutoff" not in decision.evidence:
            continue
        behind = data.cutoff - datetime.fromisoformat(decision.evidence["cutoff"])
        if not timedelta(0) <= behind < _TWIN_MAY_LACK:
            continue
        with suppress(OSError, MlopsError):  # its package is gone or damaged
            predictor = load_predictor(project, decisions, decision.version)
            lineage = _read_lineage(predictor.package)
            is_same = all(lineage.get(name) == value for name, value in _code_of(candidate).items())
            if is_same and predictor.features.version == candidate.pipeline.features.version:
                return predictor.score(data.holdout_inputs)
    return to_answers(fit(candidate.pipeline, data), data.holdout_inputs)


def _code_of(candidate: Candidate) -> dict[str, str]:
    """What a version is made of beside the data, as its lineage tells it."""
    return {"code": candidate.pipeline.fingerprint, "environment": environment_fingerprint()}


def _read_lineage(package_folder: Path) -> dict[str, Any]:
    return msgspec.json.decode((package_folder / LINEAGE_FILE).read_bytes(), type=dict[str, Any])


def _served(
    project: Project, lake: Lake, decisions: Sequence[Decision], state: RolloutState, candidate: Candidate
) -> pl.DataFrame:
    """What the champion saw while the held-out rows were requested: the inputs that the candidate defines alike."""
    data = candidate.data
    last = data.holdout[project.settings.source.time].max()
    if state.champion is None or not PREDICTIONS.exists(lake) or not isinstance(last, datetime):
        return pl.DataFrame()
    plan = load_plan_of(project, decisions, state.champion)
    rows = PREDICTIONS.read(lake, since=data.cutoff)
    rows = rows.filter(pl.col("version") == state.champion, pl.col("at") <= last)
    inputs = logged_inputs(rows, plan)
    alike = alike_inputs(candidate.pipeline.features, Features.from_dict(plan.features))
    return inputs.select(name for name in alike if name in inputs.columns)


def _champion_output(
    project: Project, lake: Lake, decisions: Sequence[Decision], state: RolloutState, candidate: Candidate
) -> pl.Series:
    """The champion's answers on the held-out rows, null on those that it was trained on."""
    data, features = candidate.data, candidate.pipeline.features
    if state.champion is None:
        return pl.Series("output", [None] * data.holdout.height, dtype=data.task.output_dtype)
    live = find_version(decisions, state.champion)
    champion = Predictor(project.root / live.package, version=live.version, fingerprint=live.fingerprint)
    trained_until = datetime.fromisoformat(_read_lineage(champion.package)["cutoff"])
    inputs = data.holdout_inputs
    if champion.features.version != features.version:
        facts = read_training_facts(project, lake, until=data.until)
        requests = data.holdout.select(*(field.name for field in request_fields(project)), AS_OF)
        inputs = compute(champion.features, requests, time=AS_OF, facts=facts)
    output = champion.score(inputs)
    if project.classes:
        output = order_classes(output, classes=champion.plan.classes, wanted=project.classes)
    trained_on = data.holdout[project.settings.source.time] < trained_until
    return pl.select(pl.when(~trained_on).then(output)).to_series().alias("output")


def _metrics(verdicts: Sequence[GateVerdict]) -> dict[str, float]:
    """The figures of all gates, as metrics of the training run."""
    return {f"{verdict.gate}.{name}": value for verdict in verdicts for name, value in verdict.evidence.items()} | {
        f"{verdict.gate}.passed": float(verdict.passed) for verdict in verdicts
    }
