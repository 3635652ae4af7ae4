"""A version as a folder that MLflow loads, with the facts as metadata of its MLmodel."""

from __future__ import annotations

from typing import Any

import yaml

from mlops_lab.lineage.documents.held_out_figures import read_held_out_figures
from mlops_lab.lineage.documents.version_facts import MLMODEL_FILE, VersionFacts

FOLDER = "mlmodel"


def make(facts: VersionFacts) -> dict[str, bytes]:
    """The files of the package; MLmodel has `metadata`."""
    text = yaml.safe_dump({**facts.mlmodel, "metadata": _metadata(facts)}, sort_keys=True, allow_unicode=True)
    return {f"{FOLDER}/{name}": content for name, content in {**facts.files, MLMODEL_FILE: text.encode()}.items()}


def _metadata(facts: VersionFacts) -> dict[str, Any]:
    origin = facts.origin
    return {
        "project": facts.project,
        "version": origin.number,
        "fingerprint": origin.fingerprint,
        "trained_at": facts.trained_at.isoformat(),
        "training_set": origin.training_set,
        "training_rows": origin.rows,
        "trained_on_rows_before": origin.cutoff,
        "tables": {table.snapshot.name: table.snapshot.fingerprint for table in facts.tables},
        "held_out": read_held_out_figures(facts),
        "gates": {gate.gate: gate.passed for gate in facts.gates},
        **({"license": facts.license} if facts.license else {}),
    }
