"""`mlops package VERSION --edge DIR`: a folder that answers without this program."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import msgspec
import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.exporters.edge.agreement import EdgeAgreement, prove_folder
from mlops_lab.exporters.edge.graph import EdgeGraph, make_graph
from mlops_lab.features.definition import Features, columns_by_table
from mlops_lab.features.offline import FactIndex
from mlops_lab.files import disk_fault
from mlops_lab.ids import new_id
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.registry.engine_kinds import ENGINES, model_file
from mlops_lab.registry.engines.lightgbm_text import split_thresholds
from mlops_lab.registry.engines.open import open_engine
from mlops_lab.registry.package import Plan, load_plan
from mlops_lab.rollout.decisions import read_decisions
from mlops_lab.rollout.versions import find_version
from mlops_lab.tables.facts import read_columns_of_facts, read_labelled
from mlops_lab.tables.fields import request_fields
from mlops_lab.training.comparison import ROWS_AT_ONCE

WEB_RUNTIME = "1.30.0"
"""The version of onnxruntime-web that the page is tested with."""
_COPIED = ("index.html", "page.js", "edge.js", "predict.py")
_TYPES = {pl.String: "string", pl.Boolean: "boolean"}


def export_edge(project: Project, version: int, folder: Path) -> EdgeAgreement:
    """Write the folder, which must be new or empty, and prove that it answers like the server.

    InvalidInput where the version is unknown, the folder is taken, or the model does not become a graph; Refused where
    the graph answers otherwise. Then nothing is written.
    """
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        hint = "name an empty or a new folder"
        raise InvalidInput("is there already, and is not empty", code="folder_taken", where=str(folder), hint=hint)
    if not folder.parent.is_dir():
        hint = "make it first, or check the path"
        raise InvalidInput("there is no such folder", code="no_folder", where=str(folder.parent), hint=hint)
    lake = Lake(project.lake_path)
    live = find_version(read_decisions(lake), version)
    package = project.root / live.package
    plan = load_plan(package, fingerprint=live.fingerprint)
    engine = open_engine(package, plan)
    inputs = _some_inputs(project, lake, Features.from_dict(plan.features))
    graph = make_graph(package, plan, engine, inputs.head(10))
    part = folder.with_name(f".{folder.name}.{new_id()[:8]}.part")
    try:
        part.mkdir()
        about = About(project.name, project.settings.source.label, version, live.fingerprint)
        write_folder(part, plan, graph, inputs.schema, about)
        is_trees = ENGINES[plan.engine].reads_lightgbm_text
        thresholds = split_thresholds((package / model_file(plan.engine)).read_text("utf-8")) if is_trees else {}
        agreement = prove_folder(part, engine, plan, inputs, thresholds)
        (part / "agreement.json").write_bytes(msgspec.json.format(msgspec.json.encode(agreement)))
        if folder.exists():  # somebody may stand in it
            for file in part.iterdir():
                file.replace(folder / file.name)
        else:
            part.replace(folder)
    except OSError as error:
        raise disk_fault(error, folder) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return agreement


def _some_inputs(project: Project, lake: Lake, features: Features) -> pl.DataFrame:
    """The model's inputs of some of the requests whose outcome is known, spread over all of them."""
    ingest_journal(project, lake)
    asked = read_labelled(project, lake).select(field.name for field in request_fields(project))
    asked = asked.gather_every(max(1, asked.height // ROWS_AT_ONCE))
    fact_index = FactIndex(features.views, read_columns_of_facts(project, lake, columns_by_table(features.views)))
    return fact_index.inputs(features, asked, time=project.settings.source.time)[0]


@dataclass(frozen=True)
class About:
    """Where a folder comes from: the project, what it predicts, the version, and what that hashes to."""

    project: str
    label: str
    version: int
    fingerprint: str


def write_folder(folder: Path, plan: Plan, graph: EdgeGraph, schema: pl.Schema, about: About) -> None:
    """Write everything but the agreement; `schema` has the dtypes of the model's inputs."""
    meaning = _meaning(plan, about.label)
    preprocessing = {
        "format": 1,
        "tensors": graph.tensors,
        "categories": graph.categories,
        "missing": {"float32": "NaN", "float64": "NaN", "string": ""},
        "output": graph.output,
    }
    signature = {
        "format": 1,
        "project": about.project,
        "version": about.version,
        "fingerprint": about.fingerprint,
        "task": plan.task,
        "inputs": _inputs(plan, graph, schema),
        "output": {"text": meaning, "classes": plan.classes or None},
    }
    start = "python3 -m http.server 8000 --bind 127.0.0.1"
    package = {"private": True, "scripts": {"start": start}, "dependencies": {"onnxruntime-web": WEB_RUNTIME}}
    template = Template(_file("README.md"))
    scale = ", in standard deviations of what is predicted" if plan.task == "regression" else ""
    names = {"project": about.project, "version": about.version, "meaning": meaning[:1].upper() + meaning[1:]}
    texts = {name: _file(name) for name in _COPIED} | {
        "README.md": template.substitute(names, runtime=WEB_RUNTIME, scale=scale),
        "package.json": json.dumps(package, indent=2) + "\n",
    }
    for name, data in (("signature.json", signature), ("preprocessing.json", preprocessing)):
        texts[name] = msgspec.json.format(msgspec.json.encode(data)).decode() + "\n"
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "model.onnx").write_bytes(graph.model)


def _file(name: str) -> str:
    return files("mlops_lab.exporters.edge").joinpath("files", name).read_text(encoding="utf-8")


def _inputs(plan: Plan, graph: EdgeGraph, schema: pl.Schema) -> list[dict[str, Any]]:
    """The inputs in their order: name, type, where each comes from, and the texts that the model knows."""
    features = Features.from_dict(plan.features)
    sources = dict.fromkeys(plan.request, "a field of the request")
    for view in features.views:
        key = ", ".join(view.keys)
        when = f" over {view.over}" if view.over else ""
        for name, aggregate in view.values.items():
            sources[name] = f"{aggregate.how} of {aggregate.column} in the table {view.table}{when}, by {key}"
    sources |= {name: f"derived: {expression}" for name, expression in features.derived.items()}
    return [
        {"name": name, "type": _TYPES.get(type(dtype), "number"), "from": sources[name]}
        | ({"categories": graph.categories[name]} if name in graph.categories else {})
        for name, dtype in schema.items()
    ]


def _meaning(plan: Plan, label: str) -> str:
    if plan.task == "multiclass":
        return f"the probability of each value of {label}"
    return f"the probability that {label} is true" if plan.task == "binary" else f"the value of {label}"
