"""What gates look at: the answers of a candidate, its twin and the champion to the held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from mlops_lab.errors import MlopsError
from mlops_lab.features.definition import Features
from mlops_lab.gates.base import GateInput
from mlops_lab.gates.served import alike_inputs
from mlops_lab.inference.predictor import Predictor
from mlops_lab.monitoring.logged_inputs import logged_inputs
from mlops_lab.project import Project
from mlops_lab.registry.package import LINEAGE_FILE, read_file
from mlops_lab.registry.store.records import RegisteredVersion
from mlops_lab.rollout.decisions import Decision, RolloutState
from mlops_lab.rollout.versions import find_version, load_plan_of, load_predictor
from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.tasks.multiclass import order_classes
from mlops_lab.training.agreement import read_agreement
from mlops_lab.training.backtest import equal_blocks
from mlops_lab.training.baseline import fit_baseline
from mlops_lab.training.candidate import Candidate
from mlops_lab.training.environment import environment_fingerprint
from mlops_lab.training.fit import to_answers
from mlops_lab.training.history import open_history, requests_of
from mlops_lab.training.place import fit_at_place
from mlops_lab.training.window import ALL

_TWIN_MAY_LACK = timedelta(days=1)
"""How much less than all before the held-out rows a version may have learned from to be the twin of a candidate."""


def make_gate_input(
    project: Project,
    decisions: Sequence[Decision],
    state: RolloutState,
    candidate: Candidate,
    version: RegisteredVersion,
) -> GateInput:
    """The candidate's version with all that gates look at, from the tables that the candidate was made of."""
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
        champion_output=_champion_output(project, decisions, state, candidate),
        served=_served(project, decisions, state, candidate),
        same_as=_find_same_model(decisions, state, version.fingerprint),
    )


def _find_same_model(decisions: Sequence[Decision], state: RolloutState, fingerprint: str) -> int | None:
    """The champion or the challenger, where its package answers by the same plan and model; else None."""
    live = [version for version in (state.champion, state.challenger) if version is not None]
    return next((version for version in live if find_version(decisions, version).fingerprint == fingerprint), None)


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
            is_same = lineage.get("window", ALL) == candidate.window
            is_same &= ("sampled_from" in lineage) == (candidate.learned.sampled_from is not None)
            is_same &= all(lineage.get(name) == value for name, value in code_of(candidate).items())
            if is_same and predictor.features.version == candidate.pipeline.features.version:
                return predictor.score(data.holdout_inputs)
    twin = fit_at_place(project.settings.training, candidate.pipeline, data)
    return to_answers(twin, data.holdout_inputs)


def _read_lineage(package_folder: Path) -> dict[str, Any]:
    return msgspec.json.decode(read_file(package_folder, LINEAGE_FILE), type=dict[str, Any])


def _served(project: Project, decisions: Sequence[Decision], state: RolloutState, candidate: Candidate) -> pl.DataFrame:
    """What the champion saw while the held-out rows were requested: the inputs that the candidate defines alike."""
    data, lake = candidate.data, candidate.lake
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
    project: Project, decisions: Sequence[Decision], state: RolloutState, candidate: Candidate
) -> pl.Series:
    """The champion's answers on the held-out rows, null on those that it was trained on."""
    data = candidate.data
    if state.champion is None:
        return pl.Series("output", [None] * data.holdout.height, dtype=data.task.output_dtype)
    champion = load_predictor(project, decisions, state.champion)
    trained_until = datetime.fromisoformat(_read_lineage(champion.package)["cutoff"])
    output = champion.score(held_out_inputs(project, candidate, champion.features))
    if project.classes:
        output = order_classes(output, classes=champion.plan.classes, wanted=project.classes)
    trained_on = data.holdout[project.settings.source.time] < trained_until
    return pl.select(pl.when(~trained_on).then(output)).to_series().alias("output")


def held_out_inputs(project: Project, candidate: Candidate, features: Features) -> pl.DataFrame:
    """The inputs of the rows that are held out from the candidate, as other features define them."""
    data = candidate.data
    if features.version == candidate.pipeline.features.version:
        return data.holdout_inputs
    history = open_history(project, candidate.lake, features, until=data.until)
    return history.inputs(requests_of(project, data.holdout))


def code_of(candidate: Candidate) -> dict[str, str]:
    """What a version is made of beside the data, as its lineage tells it."""
    return {"code": candidate.pipeline.fingerprint, "environment": environment_fingerprint()}
