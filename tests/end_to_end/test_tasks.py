"""A class and a number as target, data without ids and moments, any estimator: from a CSV to a served, watched model."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from running import mlops, serving

from mlops_lab import clock
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.tables.declared import PREDICTIONS

FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}


@pytest.mark.parametrize(("name", "baseline"), [("iris", "for the base rate"), ("diabetes", "for the mean")])
def test_the_first_version_passes_its_gates(trained: dict[str, Path], name: str, baseline: str) -> None:
    decision = json.loads((trained[name] / "run.json").read_text())
    assert decision["what"] == "bootstrap"
    assert "like the model" in decision["reason"]
    assert baseline in decision["reason"]


def test_a_class_is_answered_with_the_probability_of_each(copies: Any, tmp_path: Path) -> None:
    project = copies("iris")
    with serving(project) as server:
        talk = server.talk()
        answer = talk.predict(FLOWER)
        assert list(answer["output"]) == ["setosa", "versicolor", "virginica"]
        assert sum(answer["output"].values()) == pytest.approx(1.0, abs=1e-5)
        assert max(answer["output"], key=answer["output"].get) == "setosa"
        named = talk.predict({**FLOWER, "id": "mine"})
        assert talk.predict({**FLOWER, "id": "mine"}) == named, "the same id, and no moment in either request"
        status, refused = talk.post("/v1/predict", {**FLOWER, "petal_length": None})
        assert (status, refused["error"]["code"]) == (400, "no_answer")
        known_at = (clock.now() + timedelta(seconds=1)).isoformat()
        told = talk.tell([{"id": "mine", "known_at": known_at, "species": "virginica"}])
        assert told["counts"]["accepted"] == 1
        status, refused = talk.post(
            "/v1/outcomes", {"outcomes": [{"id": "x", "known_at": known_at, "species": "rose"}]}
        )
        assert status == 400
        assert "species" in refused["error"]["where"]
    lake = Lake(project.lake_path)
    ingest_journal(project, lake)
    logged = PREDICTIONS.read(lake)
    assert logged["output"].list.len().to_list() == [3, 3]
    assert lake.read("refusals")["reason"].to_list() == ["no_answer"]
    pl.DataFrame([FLOWER]).write_csv(tmp_path / "asked.csv")
    (scored,) = mlops("score", tmp_path / "asked.csv", project=project.root).data["answers"]
    assert {name: scored[f"output_{name}"] for name in named["output"]} == pytest.approx(named["output"], abs=1e-6)
    explained = mlops("explain", "mine", project=project.root).data
    assert explained["outcome"]["species"] == "virginica"
    assert len(explained["output"]) == 3


def test_a_number_is_answered_scored_and_measured(copies: Any, tmp_path: Path) -> None:
    project = copies("diabetes")
    rows = pl.read_csv(project.root / "data.csv").head(80)
    with serving(project) as server:
        talk = server.talk()
        asked = rows.drop("target").to_dicts()
        answers = [talk.predict({**row, "id": f"p{number}"}) for number, row in enumerate(asked)]
        now = clock.now() + timedelta(seconds=1)
        outcomes = [
            {"id": f"p{number}", "known_at": now.isoformat(), "target": float(value)}
            for number, value in enumerate(rows["target"])
        ]
        assert talk.tell(outcomes)["counts"]["accepted"] == 80
    assert Loop(project).tick(now + timedelta(days=1)) == [], "a day is measured when it is over"
    measured = Lake(project.lake_path).read("measurements")
    quality = dict(measured.filter(pl.col("monitor") == "quality").select("name", "value").iter_rows())
    assert quality.keys() == {"rmse", "mae", "r2", "observed_mean", "predicted_mean"}
    assert quality["r2"] > 0.2
    assert quality["observed_mean"] == pytest.approx(rows["target"].mean())
    rows.drop("target").write_csv(tmp_path / "asked.csv")
    scored = mlops("score", tmp_path / "asked.csv", project=project.root).data["answers"]
    assert [row["output"] for row in scored] == pytest.approx([answer["output"] for answer in answers])
    report = mlops("features", "verify", project=project.root).data
    assert (report["predictions"], report["differing"]) == (80, 0)


def test_a_challenger_is_compared_on_blocks_and_goes_its_way(copies: Any) -> None:
    project = copies("iris")
    _edit(project, "C=0.05", "C=100.0")
    decision = mlops("run", project=project.root).data
    assert decision["what"] == "shadow"
    assert "a block better than version 1 over 20 unseen blocks" in decision["reason"]
    rows = pl.read_csv(project.root / "data.csv")
    with serving(project) as server:
        talk = server.talk()
        asked = rows.drop("species").to_dicts()
        for number, row in enumerate(asked):
            talk.predict({**row, "id": f"f{number}"})
        now = clock.now() + timedelta(seconds=1)
        named = enumerate(rows["species"])
        talk.tell([{"id": f"f{number}", "known_at": now.isoformat(), "species": name} for number, name in named])
        loop = Loop(project)
        assert [one.what for one in loop.tick(now + timedelta(days=1, minutes=1))] == ["canary"]
        assert [one.what for one in loop.tick(now + timedelta(days=2, minutes=2))] == ["promote"]
    assert mlops("status", project=project.root).data["champion"] == 2


def test_rows_are_only_appended_to_a_file_without_ids(copies: Any) -> None:
    project = copies("iris")
    path = project.root / "data.csv"
    text = path.read_text()
    path.write_text(text.replace("5.1,3.5", "9.1,3.5", 1))
    error = mlops("run", project=project.root, code=2).error
    assert error["code"] == "data_changed"
    path.write_text(text + "5.0,3.4,1.5,0.3,setosa\n")
    assert mlops("run", project=project.root, code=None).data["what"] in {"refuse", "shadow"}
    lake = Lake(project.lake_path)
    rows = lake.read("flowers")
    assert rows.height == 151
    newest = rows.filter(pl.col("row_id") == "151")
    assert newest["asked_at"].item() > rows.filter(pl.col("row_id") != "151")["asked_at"].max()
    assert mlops("contract", "check", project=project.root).code == 0


def test_mlflow_loads_what_was_packaged(trained: dict[str, Path]) -> None:
    """As people do it elsewhere: in a process of their own, by MLflow alone."""
    code = """
import json, sys, mlflow, pandas as pd
(package,) = __import__("pathlib").Path(sys.argv[1]).glob(".mlops/**/artifacts/model")
model = mlflow.pyfunc.load_model(str(package))
frame = pd.DataFrame([json.loads(sys.argv[2])])
print(json.dumps([model.predict(frame).tolist(), len(mlflow.onnx.load_model(str(package)).graph.input)]))
"""
    command = [sys.executable, "-c", code, str(trained["iris"]), json.dumps(FLOWER)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ((answer,), inputs) = json.loads(done.stdout.splitlines()[-1])
    assert len(answer) == 3
    assert answer[0] == max(answer)
    assert inputs == 1


def _edit(project: Project, old: str, new: str) -> None:
    path = project.root / "pipeline.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
