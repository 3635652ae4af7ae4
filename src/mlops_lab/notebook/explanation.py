"""Everything behind one prediction, in a notebook."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from mlops_lab.lineage.explain import describe_prediction
from mlops_lab.lineage.explain import explain as explain_prediction
from mlops_lab.lineage.records import PredictionLineage
from mlops_lab.notebook.display import Displayed, Sheet
from mlops_lab.notebook.project import AnyProject, open_project


class Explanation(dict[str, Any], Displayed):
    """Request, features, version, run, training data, code, environment, outcome: as in `mlops explain --json`."""

    def _sheet(self) -> Sheet:
        return Sheet(f"prediction {self['id']}", describe_prediction(msgspec.convert(dict(self), PredictionLineage)))

    __repr__ = Displayed.__repr__


def explain(project: AnyProject, prediction_id: str) -> Explanation:
    """Everything behind the prediction of that id; NotFound where there is none."""
    found = explain_prediction(open_project(project).files, prediction_id)
    return Explanation(msgspec.to_builtins(found, builtin_types=(datetime, date)))
