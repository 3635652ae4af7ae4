"""The notebook API: train, evaluate and explain from a notebook or a script; nothing is registered or decided."""

from mlops_lab.notebook.evaluation import evaluate
from mlops_lab.notebook.explanation import explain
from mlops_lab.notebook.project import Project
from mlops_lab.notebook.snapshots import snapshot
from mlops_lab.notebook.training import train

__all__ = ["Project", "evaluate", "explain", "snapshot", "train"]
