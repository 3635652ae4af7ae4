"""The bill of materials: the model with its card, the data and the packages, in CycloneDX's format (ML-BOM)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from mlops_lab.lineage.documents.document import write_json
from mlops_lab.lineage.documents.held_out_figures import read_held_out_figures
from mlops_lab.lineage.documents.known_limits import list_limits
from mlops_lab.lineage.documents.live_figures import SLICES, LiveFigure
from mlops_lab.lineage.documents.table_facts import TableFacts
from mlops_lab.lineage.documents.version_facts import VersionFacts
from mlops_lab.training.environment import InstalledPackage

FILE = "bom.cdx.json"


def make(facts: VersionFacts) -> dict[str, bytes]:
    """The bill of materials, of CycloneDX 1.6."""
    tables = [_table(table) for table in facts.tables]
    packages = [_package(package) for package in facts.environment.packages]
    parts = [part["bom-ref"] for part in (*tables, *packages)]
    content = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'{facts.title} {facts.origin.fingerprint}')}",
        "version": 1,
        "metadata": {
            "timestamp": facts.trained_at.isoformat(),
            "tools": {"components": [{"type": "application", "name": "mlops-lab", "version": version("mlops-lab")}]},
            "component": _model(facts),
        },
        "components": [*tables, *_python(facts), *packages],
        "dependencies": [
            {"ref": _model_ref(facts), "dependsOn": parts},
            *({"ref": part} for part in parts),
        ],
    }
    return {FILE: write_json(content)}


def _model_ref(facts: VersionFacts) -> str:
    return f"model:{facts.project}@{facts.origin.number}"


def _model(facts: VersionFacts) -> dict[str, Any]:
    origin = facts.origin
    return {
        "type": "machine-learning-model",
        "bom-ref": _model_ref(facts),
        "name": facts.project,
        "version": str(origin.number),
        **({"licenses": [{"expression": facts.license}]} if facts.license else {}),
        "hashes": [{"alg": "SHA-256", "content": sha256(facts.files[facts.model_file]).hexdigest()}],
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "supervised"},
                "task": facts.plan.task,
                "modelArchitecture": facts.plan.engine,
                "datasets": [{"ref": _table_ref(table)} for table in facts.tables],
                "inputs": [{"format": f"{name}: {_kind(facts, name)}"} for name in origin.inputs],
                "outputs": [{"format": f"{name}: number"} for name in facts.plan.classes or [facts.label]],
            },
            "quantitativeAnalysis": {"performanceMetrics": [*_held_out(facts), *map(_live, facts.live)]},
            "considerations": {"technicalLimitations": list_limits(facts)},
        },
        "properties": _properties(
            package=origin.fingerprint,
            run=origin.run_id,
            training_set=origin.training_set,
            training_rows=origin.rows,
            trained_on_rows_before=origin.cutoff,
            window=origin.window,
            commit=origin.commit,
            code=origin.code,
            environment=origin.environment,
            **{f"gate.{gate.gate}": f"{'passed' if gate.passed else 'failed'}: {gate.reason}" for gate in facts.gates},
            **{
                f"decision.{number}": f"{item.at.isoformat()} {item.what} by {item.by}: {item.reason}"
                for number, item in enumerate(facts.decisions, start=1)
            },
        ),
    }


def _kind(facts: VersionFacts, name: str) -> str:
    return "text" if facts.profiles[name].categories is not None else "number"


def _held_out(facts: VersionFacts) -> Iterator[dict[str, str]]:
    for name, value in read_held_out_figures(facts).items():
        yield {"type": name, "value": str(value), "slice": "held-out rows"}


def _live(figure: LiveFigure) -> dict[str, str]:
    if figure.monitor in SLICES:
        return {"type": figure.monitor, "value": str(figure.value), "slice": f"live answers, {figure.name}"}
    name = "_".join(filter(None, (figure.monitor if figure.monitor != "quality" else "", figure.name)))
    return {"type": name, "value": str(figure.value), "slice": f"live answers, {figure.days} days"}


def _table_ref(table: TableFacts) -> str:
    return f"table:{table.snapshot.name}"


def _table(table: TableFacts) -> dict[str, Any]:
    return {
        "type": "data",
        "bom-ref": _table_ref(table),
        "name": table.name,
        "version": str(table.snapshot.version),
        "data": [{"type": "dataset", "name": table.name}],
        "properties": _properties(
            rows=table.snapshot.rows,
            fingerprint=table.snapshot.fingerprint,
            columns=", ".join(column.name for column in table.columns),
        ),
    }


def _python(facts: VersionFacts) -> list[dict[str, str]]:
    environment = facts.environment
    if not environment.python:
        return []
    return [{"type": "platform", "name": environment.implementation, "version": environment.python}]


def _package(package: InstalledPackage) -> dict[str, str]:
    name = re.sub(r"[-_.]+", "-", package.name).lower()
    address = f"pkg:pypi/{name}@{package.version.replace('+', '%2B')}"
    return {
        "type": "library",
        "bom-ref": address,
        "name": package.name,
        "version": package.version,
        "purl": address,
    }


def _properties(**values: object) -> list[dict[str, str]]:
    return [{"name": f"mlops-lab:{name}", "value": str(value)} for name, value in values.items()]
