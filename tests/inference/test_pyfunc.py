"""MLflow's own loader reads the folder, and answers frames of requests."""

from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from live_projects import live_project, template
from peer_servers import ROWS

from mlops_lab.exporters.model_folder import write_model
from mlops_lab.inference.standalone import StandaloneModel
from mlops_lab.project import Project

__all__ = ["live_project", "template"]


def test_mlflow_loads_it(live_project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    write_model(live_project, folder)
    model = mlflow.pyfunc.load_model(str(folder))
    rows = [row for row in ROWS if None not in row.values()]
    expected = StandaloneModel(folder).answer({name: [row[name] for row in rows] for name in rows[0]})
    np.testing.assert_array_equal(model.predict(pd.DataFrame(rows)), expected)
    with_gap = pd.DataFrame([*rows, {**rows[0], "weight": None, "customer": None}])
    assert len(model.predict(with_gap)) == len(rows) + 1
    assert model.metadata.metadata["version"] == 1
    with pytest.raises(mlflow.exceptions.MlflowException, match="missing inputs"):
        model.predict(pd.DataFrame([{"depot": "b"}]))
