"""Opens the engine of a package."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial

from mlops_lab.registry.engine_kinds import ENGINES
from mlops_lab.registry.engines.base import Engine, ModelFile
from mlops_lab.registry.package import Package, Plan
from mlops_lab.registry.trust import Trust, trust_of


def open_engine(package: Package) -> Engine:
    """The engine of a package. What a runner may serve is said by the project in whose `.mlops` the package lies."""
    file = ModelFile(package.path / ENGINES[package.plan.engine].model_file, package.model)
    return open_model(file, package.plan, trust=partial(trust_of, package.path))


def open_model(file: ModelFile, plan: Plan, *, trust: Callable[[], Trust]) -> Engine:
    """The engine of a plan over a model file.

    Only now the engine's module is imported: ONNX Runtime takes 0.1 s and 40 MB, which models of other engines do not
    need.
    """
    engine: Engine = importlib.import_module(ENGINES[plan.engine].module).open_engine(file, plan, trust)
    return engine
