"""Everything behind one prediction, or behind one version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import polars as pl

from mlops_lab.errors import NotFound
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.lineage.engines import engine_lines
from mlops_lab.project import Project
from mlops_lab.registry.package import LINEAGE_FILE, load_plan
from mlops_lab.rollout.decisions import Decision, read_decisions
from mlops_lab.rollout.versions import find_version
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS, SHADOWS
from mlops_lab.tables.fields import outcome_fields, request_fields
from mlops_lab.tables.table import Table
from mlops_lab.tables.verdict import Verdict
from mlops_lab.training.agreement import Agreement, read_agreement


def explain(project: Project, prediction_id: str) -> dict[str, Any]:
    """What was asked, what the model saw and said, which version that was and where it came from, and the truth.

    Plain JSON data; `outcome` is None while it is not known. NotFound where no prediction has that id.
    """
    lake = Lake(project.lake_path)
    ingest_journal(project, lake)
    made = _rows(lake, PREDICTIONS, prediction_id)
    if not made:
        raise NotFound(
            f'there is no prediction "{prediction_id}"',
            code="unknown_prediction",
            where="ID",
            hint="ids stand in the answers of the server and in the `predictions` table",
        )
    row = made[0]
    shadow = _rows(lake, SHADOWS, prediction_id)
    decisions = read_decisions(lake)
    asked = [field.name for field in request_fields(project)]
    version = _version(project, decisions, row["version"])
    return {
        "id": prediction_id,
        "at": row["at"].isoformat(),
        "request": {name: _plain(row[name]) for name in asked},
        "features": {name: _plain(row[name]) for name in version.pop("inputs")},
        "output": row["output"],
        "role": row["role"],
        "shadow": {"version": shadow[-1]["version"], "output": shadow[-1]["output"]} if shadow else None,
        "version": version,
        "outcome": _outcome(project, lake, prediction_id),
        "decisions": [_short(decision) for decision in decisions if decision.version == row["version"]],
    }


def explain_version(project: Project, number: int) -> dict[str, Any]:
    """Where a version came from, how its engine was chosen, and what was decided about it; plain JSON data.

    NotFound where there is no such version.
    """
    decisions = read_decisions(Lake(project.lake_path))
    version = _version(project, decisions, number)
    return {
        "version": version,
        "agreement": msgspec.to_builtins(read_agreement(project.root / version["package"])),
        "decisions": [_short(decision) for decision in decisions if decision.version == number],
    }


def version_in_words(found: dict[str, Any]) -> list[tuple[str, str]]:
    """What `explain_version` found, as lines of a name and a text."""
    agreement = msgspec.convert(found["agreement"], Agreement)
    version = found["version"]
    lines = [("version", str(version["number"])), *engine_lines(agreement), *_origin(version)]
    return lines + _decided(found)


def in_words(found: dict[str, Any]) -> list[tuple[str, str]]:
    """What `explain` found, as lines of a name and a text."""
    version = found["version"]
    lines = [
        ("prediction", f"{found['id']}  at {found['at']}"),
        ("output", f"{_output(found['output'])}  ({found['role']}, version {version['number']})"),
        ("outcome", _pairs(found["outcome"]) if found["outcome"] else "not known yet"),
        ("request", _pairs(found["request"])),
        ("features", _pairs(found["features"])),
    ]
    return lines + _origin(version) + _decided(found)


def _origin(version: dict[str, Any]) -> list[tuple[str, str]]:
    """What a version was made of."""
    learned = f"{version['rows']:,} rows before {version['cutoff']}  {version['training_set'][:16]}"
    return [
        ("run", version["run_id"]),
        ("package", f"{version['package']}  {version['fingerprint'][:16]}"),
        *(
            ("trained on", f"{snapshot['name']}  {snapshot['rows']:,} rows  {snapshot['fingerprint'][:16]}")
            for snapshot in version["snapshots"]
        ),
        ("training set", learned),
        ("code", f"commit {version['commit']}, files {version['code'][:16]}"),
        ("environment", version["environment"][:16]),
    ]


def _decided(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(decision["what"], f"{decision['at']}  {decision['reason']}") for decision in found["decisions"]]


def _version(project: Project, decisions: Sequence[Decision], number: int) -> dict[str, Any]:
    live = find_version(decisions, number)
    package = project.root / live.package
    plan = load_plan(package, fingerprint=live.fingerprint)
    lineage = msgspec.json.decode((package / LINEAGE_FILE).read_bytes())
    return {
        "number": number,
        "run_id": package.parents[1].name,
        "package": live.package,
        "fingerprint": live.fingerprint,
        "inputs": plan.features["inputs"],
        **lineage,
        "snapshots": [
            {**snapshot, "name": f"{snapshot['table']}@{snapshot['version']}"} for snapshot in lineage["snapshots"]
        ],
    }


def _outcome(project: Project, lake: Lake, prediction_id: str) -> dict[str, Any] | None:
    if not OUTCOMES.exists(lake):
        return None
    for row in _rows(lake, OUTCOMES, prediction_id):
        if row["verdict"] == Verdict.ACCEPTED:
            values = {field.name: row[field.name] for field in outcome_fields(project)}
            return {"known_at": row["known_at"].isoformat(), **values}
    return None


def _rows(lake: Lake, table: Table, prediction_id: str) -> list[dict[str, Any]]:
    return table.read(lake).filter(pl.col("id") == prediction_id).to_dicts() if table.exists(lake) else []


def _short(decision: Decision) -> dict[str, Any]:
    return {"at": decision.at.isoformat(), "what": str(decision.what), "rule": decision.rule, "reason": decision.reason}


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _pairs(values: dict[str, Any]) -> str:
    return "  ".join(f"{name}={'-' if value is None else value}" for name, value in values.items())


def _output(output: float | list[float]) -> str:
    return ", ".join(f"{value:.6f}" for value in output) if isinstance(output, list) else f"{output:.6f}"
