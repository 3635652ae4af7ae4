"""Everything behind one prediction, in a notebook."""

from __future__ import annotations

from typing import Any

from mlops_lab.lineage.explain import explain as explain_prediction
from mlops_lab.lineage.explain import in_words
from mlops_lab.notebook.display import Displayed, Sheet
from mlops_lab.notebook.project import AnyProject, open_project


class Explanation(dict[str, Any], Displayed):
    """Request, features, version, run, training data, code, environment, outcome: as in `mlops explain --json`."""

    def _sheet(self) -> Sheet:
        return Sheet(f"prediction {self['id']}", in_words(self))

    __repr__ = Displayed.__repr__


def explain(project: AnyProject, prediction_id: str) -> Explanation:
    """Everything behind the prediction of that id; NotFound where there is none."""
    return Explanation(explain_prediction(open_project(project).files, prediction_id))
