"""Everything behind one prediction, as it shows itself."""

from __future__ import annotations

from typing import Any

from mlops_lab.lineage.explain import explain as find
from mlops_lab.lineage.explain import in_words
from mlops_lab.notebook.project import AnyProject, open_project
from mlops_lab.notebook.shown import Sheet, Shown


class Explanation(dict[str, Any], Shown):
    """Request, features, version, run, training data, code, environment, outcome; as `mlops explain --json` says it."""

    def _sheet(self) -> Sheet:
        return Sheet(f"prediction {self['id']}", in_words(self))

    __repr__ = Shown.__repr__


def explain(project: AnyProject, prediction_id: str) -> Explanation:
    """Everything behind the prediction of that id; NotFound where there is none."""
    return Explanation(find(open_project(project).files, prediction_id))
