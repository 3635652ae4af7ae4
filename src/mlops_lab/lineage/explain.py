"""Everything behind one prediction, or behind one version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from mlops_lab.features.definition import Features
from mlops_lab.intake.journal import ingest_if_reachable
from mlops_lab.lake import Lake
from mlops_lab.lineage.engines import engine_lines
from mlops_lab.lineage.logged_rows import find_moments, read_prediction, read_rows
from mlops_lab.lineage.records import (
    DecisionSummary,
    PredictionLineage,
    ShadowAnswer,
    VersionLineage,
    VersionOrigin,
)
from mlops_lab.project import Project
from mlops_lab.registry.package import LINEAGE_FILE, Plan
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import Decision
from mlops_lab.rollout.versions import find_version, load_plan_of, open_package_of, package_folder
from mlops_lab.tables.declared import OUTCOMES, SHADOWS
from mlops_lab.tables.fields import outcome_fields, request_fields
from mlops_lab.tables.log_columns import feature_columns
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.tables.verdict import COUNTED
from mlops_lab.training.agreement import read_agreement


def explain(project: Project, prediction_id: str, *, takes_in: bool = True) -> PredictionLineage:
    """Everything behind the prediction of that id; NotFound where there is none.

    What the server has acknowledged is taken into the lake first; without `takes_in`, nothing is changed.
    """
    lake = open_lake(project)
    if takes_in:
        ingest_if_reachable(project, lake)
    prediction = read_prediction(project, lake, prediction_id).row(0, named=True)
    shadows = read_rows(lake, SHADOWS, prediction_id, moments={prediction["at"]}).to_dicts()
    outcomes = _outcomes(project, lake, prediction_id)
    decisions = read_decisions(lake)
    version = _read_origin(project, decisions, prediction["version"])
    plan = load_plan_of(project, decisions, prediction["version"])
    features = Features.from_dict(plan.features)
    columns = feature_columns(features.inputs, features.computed, plan.request)
    return PredictionLineage(
        id=prediction_id,
        at=prediction["at"].isoformat(),
        request={name: _plain(prediction.get(name)) for name in _request_names(project, plan)},
        features={name: _plain(prediction.get(columns.get(name, name))) for name in version.inputs},
        output=prediction["output"],
        role=prediction["role"],
        shadow=ShadowAnswer(version=shadows[-1]["version"], output=shadows[-1]["output"]) if shadows else None,
        version=version,
        outcome=outcomes[-1] if outcomes else None,
        corrected=outcomes[:-1],
        decisions=_summarise(decisions, prediction["version"]),
    )


def explain_version(project: Project, number: int) -> VersionLineage:
    """What a version is made of, how its engine was chosen, and what was decided about it; NotFound where there is no
    such version."""
    decisions = read_decisions(open_lake(project))
    version = _read_origin(project, decisions, number)
    return VersionLineage(
        version=version,
        agreement=read_agreement(package_folder(project, find_version(decisions, number))),
        decisions=_summarise(decisions, number),
    )


def describe_version(lineage: VersionLineage) -> list[tuple[str, str]]:
    """The lineage of a version as lines of a name and a text."""
    version = lineage.version
    lines = [("version", str(version.number)), *engine_lines(lineage.agreement), *_origin_lines(version)]
    return lines + _decision_lines(lineage.decisions)


def describe_prediction(lineage: PredictionLineage) -> list[tuple[str, str]]:
    """The lineage of a prediction as lines of a name and a text."""
    version = lineage.version
    lines = [
        ("prediction", f"{lineage.id}  at {lineage.at}"),
        ("output", f"{_output(lineage.output)}  ({lineage.role}, version {version.number})"),
        ("outcome", _pairs(lineage.outcome) if lineage.outcome else "not known yet"),
        *(("corrected", _pairs(outcome)) for outcome in lineage.corrected),
        ("request", _pairs(lineage.request)),
        ("features", _pairs(lineage.features)),
    ]
    return lines + _origin_lines(version) + _decision_lines(lineage.decisions)


def _describe_window(version: VersionOrigin) -> str:
    losses = ", ".join(f"{name} {loss:.4f}" for name, loss in version.window_losses.items())
    return f"{version.window}  (mean loss on later days: {losses})" if losses else version.window


def _origin_lines(version: VersionOrigin) -> list[tuple[str, str]]:
    training_set = f"{version.rows:,} rows before {version.cutoff}  {version.training_set[:16]}"
    return [
        ("run", version.run_id),
        ("package", f"{version.package}  {version.fingerprint[:16]}"),
        *(
            ("trained on", f"{snapshot.name}  {snapshot.rows:,} rows  {snapshot.fingerprint[:16]}")
            for snapshot in version.snapshots
        ),
        ("training set", training_set),
        *([("sample", f"of {version.sampled_from:,} rows, no more than max_rows")] if version.sampled_from else []),
        *([("imported", ", ".join(version.imported.values()))] if version.imported else []),
        *([("window", _describe_window(version))] if version.window != "all" or version.window_losses else []),
        ("code", f"commit {version.commit}, files {version.code[:16]}"),
        ("environment", version.environment[:16]),
    ]


def _decision_lines(decisions: Sequence[DecisionSummary]) -> list[tuple[str, str]]:
    return [(decision.what, f"{decision.at}  {decision.reason}") for decision in decisions]


def _read_origin(project: Project, decisions: Sequence[Decision], number: int) -> VersionOrigin:
    live = find_version(decisions, number)
    package = package_folder(project, live)
    opened = open_package_of(project, live)
    plan, lineage = opened.plan, msgspec.json.decode(opened.files.read(LINEAGE_FILE))
    own = {
        "number": number,
        "run_id": package.parents[1].name,
        "package": live.package,
        "fingerprint": live.fingerprint,
        "inputs": plan.features["inputs"],
    }
    snapshots = [
        {**snapshot, "name": f"{snapshot['table']}@{snapshot['version']}"} for snapshot in lineage["snapshots"]
    ]
    return msgspec.convert(own | lineage | {"snapshots": snapshots}, VersionOrigin)


def _outcomes(project: Project, lake: Lake, prediction_id: str) -> list[dict[str, Any]]:
    """The outcomes of the prediction that counted, one after the other: the first, then corrections of it."""
    moments = find_moments(project, lake, OUTCOMES, prediction_id)
    found = read_rows(lake, OUTCOMES, prediction_id, moments=moments).to_dicts()
    rows = [row for row in found if row["verdict"] in COUNTED]
    names = [field.name for field in outcome_fields(project)]
    return [
        {"known_at": row["known_at"].isoformat(), **{name: _plain(row.get(name)) for name in names}}
        for row in sorted(rows, key=lambda row: row["known_at"])
    ]


def _request_names(project: Project, plan: Plan) -> list[str]:
    """The request fields of now, and those that the version knew."""
    return list(dict.fromkeys([*(field.name for field in request_fields(project)), *plan.request]))


def _summarise(decisions: Sequence[Decision], version: int) -> list[DecisionSummary]:
    """The decisions about a version."""
    return [
        DecisionSummary(at=decision.at.isoformat(), what=str(decision.what), rule=decision.rule, reason=decision.reason)
        for decision in decisions
        if decision.version == version
    ]


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _pairs(values: dict[str, Any]) -> str:
    return "  ".join(f"{name}={'-' if value is None else value}" for name, value in values.items())


def _output(output: float | list[float]) -> str:
    return ", ".join(f"{value:.6f}" for value in output) if isinstance(output, list) else f"{output:.6f}"
