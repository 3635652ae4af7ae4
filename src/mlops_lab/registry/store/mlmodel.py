"""The files of a package, MLmodel among them, by which MLflow's own loaders read it too."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec

from mlops_lab.registry.engine_kinds import ENGINES, model_file
from mlops_lab.registry.store.records import VersionContent, write_content

_TYPES = {pl.String: "string", pl.Boolean: "boolean"}


def write_package(path: Path, content: VersionContent, *, run_id: str) -> None:
    """Write the folder of a version."""
    write_content(path, content)
    model = Model(run_id=run_id, artifact_path="model", signature=make_signature(content.inputs, content.classes))
    model.add_flavor("python_function", loader_module="mlops_lab.registry.pyfunc", env="requirements.txt")
    if flavor := ENGINES[content.engine].flavor:
        package = flavor.version_of
        version = {f"{flavor.name}_version": importlib.metadata.version(package)} if package else {}
        model.add_flavor(flavor.name, data=model_file(content.engine), **version, **flavor.keys)
    model.save(str(path / "MLmodel"))


def make_signature(inputs: pl.DataFrame, classes: Sequence[str]) -> ModelSignature:
    """MLflow's signature of a frame of model inputs: text stays text, every number is a double, all may be missing.

    One output, or one for each class.
    """
    columns: list[ColSpec | TensorSpec] = [
        ColSpec(_TYPES.get(type(dtype), "double"), name, required=False) for name, dtype in inputs.schema.items()
    ]
    outputs: list[ColSpec | TensorSpec] = [ColSpec("double", name) for name in classes or ["output"]]
    return ModelSignature(Schema(columns), Schema(outputs))
