"""The loop from a notebook or a script: few names, results that show themselves, nothing registered or decided."""

from mlops_lab.notebook.evaluation import evaluate
from mlops_lab.notebook.explanation import explain
from mlops_lab.notebook.project import Project
from mlops_lab.notebook.snapshots import snapshot
from mlops_lab.notebook.training import train

__all__ = ["Project", "evaluate", "explain", "snapshot", "train"]
