"""The files of an edge folder: the graph, the scripts that run it, and their documentation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import msgspec
import polars as pl

from mlops_lab.exporters.edge.graph import EdgeGraph
from mlops_lab.features.definition import Features
from mlops_lab.registry.package import Plan

WEB_RUNTIME = "1.30.0"
"""The version of onnxruntime-web that the page is tested with."""
_COPIED = ("index.html", "page.js", "edge.js", "predict.py")
_TYPES = {pl.String: "string", pl.Boolean: "boolean"}


@dataclass(frozen=True)
class FolderSource:
    """Where an edge folder comes from: the project, its label, the version with its hash, and the `mlops` command."""

    project: str
    label: str
    version: int
    fingerprint: str
    command: str


def write_folder(folder: Path, plan: Plan, graph: EdgeGraph, schema: pl.Schema, source: FolderSource) -> None:
    """Write every file but `agreement.json`. `schema`: the model's inputs with their dtypes."""
    meaning = _describe_output(plan, source.label)
    preprocessing = {
        "format": 1,
        "tensors": graph.tensors,
        "categories": graph.categories,
        "missing": {"float32": "NaN", "float64": "NaN", "string": ""},
        "output": graph.output,
    }
    signature = {
        "format": 1,
        "project": source.project,
        "version": source.version,
        "fingerprint": source.fingerprint,
        "task": plan.task,
        "inputs": _describe_inputs(plan, graph, schema),
        "output": {"text": meaning, "classes": plan.classes or None},
    }
    start = "python3 -m http.server 8000 --bind 127.0.0.1"
    package = {"private": True, "scripts": {"start": start}, "dependencies": {"onnxruntime-web": WEB_RUNTIME}}
    template = Template(_read_file("README.md"))
    scale = ", in standard deviations of what is predicted" if plan.task == "regression" else ""
    names = {
        "project": source.project,
        "version": source.version,
        "command": source.command,
        "meaning": meaning[:1].upper() + meaning[1:],
    }
    texts = {name: _read_file(name) for name in _COPIED} | {
        "README.md": template.substitute(names, runtime=WEB_RUNTIME, scale=scale),
        "package.json": json.dumps(package, indent=2) + "\n",
    }
    for name, data in (("signature.json", signature), ("preprocessing.json", preprocessing)):
        texts[name] = msgspec.json.format(msgspec.json.encode(data)).decode() + "\n"
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "model.onnx").write_bytes(graph.model)


def _read_file(name: str) -> str:
    return files("mlops_lab.exporters.edge").joinpath("files", name).read_text(encoding="utf-8")


def _describe_inputs(plan: Plan, graph: EdgeGraph, schema: pl.Schema) -> list[dict[str, Any]]:
    """The inputs in their order: name, type, where each comes from, and the categories that the model knows."""
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


def _describe_output(plan: Plan, label: str) -> str:
    if plan.task == "multiclass":
        return f"the probability of each value of {label}"
    return f"the probability that {label} is true" if plan.task == "binary" else f"the value of {label}"
