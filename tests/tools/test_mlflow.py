"""What is exported for MLflow, served by `mlflow models serve` in an environment of its own: the server's answers."""

from __future__ import annotations

import json

import pytest
from peer_servers import ROWS, peer_server, post
from tool_runs import export, run

from mlops_lab.project import Project

pytestmark = [pytest.mark.tools, pytest.mark.exporter("mlflow"), pytest.mark.timeout(600)]
SERVE = ["mlflow", "models", "serve", "-m", ".", "--env-manager", "local", "--host", "127.0.0.1", "--port", "{port}"]
LOAD = """
import json, sys
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model(".")
print(json.dumps([model.predict(pd.DataFrame([row])).tolist() for row in json.loads(sys.argv[1])]))
"""


def test_mlflow_gives_the_answers_of_our_server(live_project: Project, answers: list[float]) -> None:
    folder = export("mlflow", live_project.root)
    with peer_server(SERVE, folder, tool="mlflow", ready="/ping") as url:
        split = {"columns": list(ROWS[0]), "data": [list(row.values()) for row in ROWS]}
        for body in ({"dataframe_records": ROWS}, {"dataframe_split": split}, {"inputs": ROWS}):
            assert post(f"{url}/invocations", body) == (200, {"predictions": answers})
        for row, answer in zip(ROWS, answers, strict=True):
            assert post(f"{url}/invocations", {"instances": [row]}) == (200, {"predictions": [answer]})
        status, error = post(f"{url}/invocations", {"dataframe_records": [{**ROWS[0], "asked_at": "yesterday"}]})
        assert status == 400
        assert "'yesterday' is not a datetime" in json.dumps(error)


def test_python_loads_it(live_project: Project, answers: list[float]) -> None:
    folder = live_project.root / "mlflow"
    rows = [ROWS[0], ROWS[1]]  # pandas makes of a missing text or truth in a frame of one row what MLflow refuses
    said = run(["python", "-c", LOAD, json.dumps(rows)], folder, tool="mlflow").stdout
    assert json.loads(said.splitlines()[-1]) == [[answer] for answer in answers[:2]]
