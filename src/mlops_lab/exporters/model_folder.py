"""The live version as an MLflow model that answers requests: what other tools' servers load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path

import msgspec
import polars as pl
import yaml

from mlops_lab.contracts.fields import Field
from mlops_lab.errors import InvalidInput
from mlops_lab.features.definition import Features
from mlops_lab.features.view import columns_by_table
from mlops_lab.inference.standalone import FACTS_FOLDER, STANDALONE_FILE, Standalone
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.project import Project
from mlops_lab.registry.engine_kinds import ENGINES
from mlops_lab.registry.package import PLAN_FILE
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_champion, open_package_of
from mlops_lab.tables.facts import read_columns_of_facts
from mlops_lab.tables.fields import request_fields
from mlops_lab.tables.open_lake import open_lake

_KINDS = {"float": "double", "boolean": "boolean", "string": "string", "datetime": "string"}
"""The types of MLflow. A moment is text in ISO 8601; see `_kind_of` for integers."""


@dataclass(frozen=True)
class WrittenModel:
    """The version that was written, the fields of its requests, its classes, and the number of facts by table."""

    version: int
    fields: Sequence[Field]
    classes: Sequence[str]
    facts: dict[str, int]

    @property
    def line(self) -> str:
        """What was written, for people."""
        return f"version {self.version} of the model, with {sum(self.facts.values()):,} facts that its views look up"


def write_model(project: Project, folder: Path) -> WrittenModel:
    """Write the live version into a new or empty folder.

    InvalidInput where none is live, or a runner answers for it.
    """
    lake = open_lake(project)
    live = find_champion(read_decisions(lake))
    package = open_package_of(project, live)
    plan, kind = package.plan, ENGINES[package.plan.engine]
    if kind.needs_runner:
        raise InvalidInput(
            f"version {live.version} is answered by a runner, which only a project can allow",
            code="needs_runner",
            where=f"engine {kind.name}",
            hint="serve it with `mlops serve`, or write its image: `mlops image build`",
        )
    if project.journal_path.exists():
        ingest_journal(project, lake)
    facts = read_columns_of_facts(project, lake.pin(), columns_by_table(Features.from_dict(plan.features).views))
    about = Standalone(
        project=project.name,
        version=live.version,
        fingerprint=live.fingerprint,
        fields=list(request_fields(project)),
        time=project.settings.source.time,
        timed_by_arrival=project.timed_by_arrival,
        tables=sorted(facts),
    )
    folder.mkdir(exist_ok=True)
    for name in (PLAN_FILE, kind.model_file):
        (folder / name).write_bytes(package.files.read(name))
    (folder / STANDALONE_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(about)) + b"\n")
    _write_facts(folder / FACTS_FOLDER, facts)
    (folder / "requirements.txt").write_text(f"mlops-lab=={version_of('mlops-lab')}\n", encoding="utf-8")
    (folder / "MLmodel").write_text(_describe(about, plan.classes), encoding="utf-8")
    return WrittenModel(live.version, about.fields, plan.classes, {name: rows.height for name, rows in facts.items()})


def _write_facts(folder: Path, facts: dict[str, pl.DataFrame]) -> None:
    folder.mkdir()
    for table, rows in facts.items():
        rows.sort("_known_at", "_fact_id", maintain_order=True).write_parquet(folder / f"{table}.parquet")


def _describe(about: Standalone, classes: Sequence[str]) -> str:
    """The file MLmodel: MLflow's own description, with what is in the folder."""
    fields = [field for field in about.fields if not (about.timed_by_arrival and field.name == about.time)]
    inputs = [{"type": _kind_of(field), "name": field.name, "required": not field.may_be_omitted} for field in fields]
    outputs = [{"type": "double", "name": name, "required": True} for name in classes or ["output"]]
    described = {
        "flavors": {"python_function": {"loader_module": "mlops_lab.inference.pyfunc", "env": "requirements.txt"}},
        "signature": {
            "inputs": msgspec.json.encode(inputs).decode(),
            "outputs": msgspec.json.encode(outputs).decode(),
            "params": None,
        },
        "metadata": {"project": about.project, "version": about.version, "fingerprint": about.fingerprint},
    }
    text: str = yaml.safe_dump(described, sort_keys=False, allow_unicode=True)
    return text


def _kind_of(field: Field) -> str:
    """A missing integer makes a column of floats in pandas, which MLflow does not take for a column of integers."""
    if field.kind == "integer":
        return "double" if field.nullable else "long"
    return _KINDS[field.kind]
