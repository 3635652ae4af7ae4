"""The task of a project or a package."""

from __future__ import annotations

from mlops_lab.tasks.base import Task
from mlops_lab.tasks.binary import Binary
from mlops_lab.tasks.multiclass import Multiclass
from mlops_lab.tasks.regression import Regression


def make_task(kind: str, *, classes: tuple[str, ...] = (), scale: float = 1.0) -> Task:
    """The task of a project or a package: "binary", "multiclass" or "regression"."""
    if kind == "multiclass":
        return Multiclass(classes)
    return Regression(scale) if kind == "regression" else Binary()
