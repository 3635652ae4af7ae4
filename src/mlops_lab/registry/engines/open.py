"""Opens the engine of a package."""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path

from mlops_lab.registry.engine_kinds import ENGINES
from mlops_lab.registry.engines.base import Engine
from mlops_lab.registry.package import Plan
from mlops_lab.registry.trust import Trust, trust_of


def open_engine(package: Path, plan: Plan, *, trust: Trust | None = None) -> Engine:
    """The engine of a package that has been checked.

    `trust` is what the project allows a runner; where it is not given, the project is the one in whose `.mlops` the
    package lies. Only now the engine's module is imported: ONNX Runtime takes 0.1 s and 40 MB, which models of other
    engines do not need.
    """
    kind = ENGINES[plan.engine]
    allowed = partial(trust_of, package) if trust is None else lambda: trust
    engine: Engine = importlib.import_module(kind.module).open_engine(package / kind.model_file, plan, allowed)
    return engine
