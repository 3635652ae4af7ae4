"""How a model is served, from the command line: chosen by proof, told, refused, or run by a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import polars as pl
import pytest
from project_mlflow import mlflow_of
from running import make_once, mlops, run_words, serving, until
from sklearn.datasets import load_iris

from mlops_lab.project import load_project
from mlops_lab.registry.store.project_runs import read_versions

CONFIG = """
[project]
name = "iris"

[source]
table = "flowers"
data = "data.csv"
label = "species"
order = "shuffled"

[source.request]
sepal_length = "float"
petal_length = "float"
petal_width = "float"

[source.outcome]
species = { type = "string", categories = ["setosa", "versicolor", "virginica"] }

[backtest]
share = 0.2
"""
RUNNER = "\n[model]\nrunner = true\n"
PIPELINE = """
import numpy as np

from mlops_lab.features import Features

features = Features(inputs=["sepal_length", "petal_length", "petal_width"])


def model():
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, PowerTransformer

    return make_pipeline(MODEL)
"""
NOT_CONVERTIBLE = "FunctionTransformer(np.log1p), LogisticRegression(C=0.5)"
INEXACT = "PowerTransformer(), RandomForestClassifier(10, random_state=1)"
FLOWER = {"sepal_length": 5.1, "petal_length": 1.4, "petal_width": 0.2}


def write(folder: Path, model: str, config: str = CONFIG) -> Path:
    folder.mkdir()
    bunch = load_iris()
    frame = pl.DataFrame(bunch.data, schema=["sepal_length", "_", "petal_length", "petal_width"]).drop("_")
    species = [str(bunch.target_names[code]) for code in bunch.target]
    frame.with_columns(pl.Series("species", species)).write_csv(folder / "data.csv")
    (folder / "mlops.toml").write_text(config)
    (folder / "pipeline.py").write_text(PIPELINE.replace("MODEL", model))
    return folder


def versions(folder: Path) -> list[int]:
    return [version.number for version in read_versions(load_project(folder))]


def words(*said: str, project: Path, code: int = 0) -> str:
    """What a person reads."""
    ran = run_words([*said, "--project", str(project)])
    assert ran.code == code, ran.err
    return ran.out


def children(process_id: int) -> list[int]:
    """The processes that this one has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == process_id:
                found.append(int(stat.parent.name))
        except OSError:
            pass
    return found


@pytest.fixture(scope="module")
def run_by_a_runner(shared: Path) -> Path:
    """A project whose first version is served by a runner. Never change it."""

    def make(folder: Path) -> None:
        write(folder, NOT_CONVERTIBLE, CONFIG + RUNNER)
        mlops("run", project=folder)

    return make_once(shared / "run_by_a_runner", make)


def test_what_does_not_convert_is_told_with_the_choices_and_nothing_is_registered(tmp_path: Path) -> None:
    folder = write(tmp_path / "iris", NOT_CONVERTIBLE)
    error = mlops("run", project=folder, code=2).error
    assert error["code"] == "not_convertible"
    assert "FunctionTransformer" in error["what"]
    assert "runner = true" in error["hint"]
    assert "models.md" in error["hint"]
    assert versions(folder) == []


@pytest.mark.slow
def test_a_version_says_how_its_engine_was_chosen(run_by_a_runner: Path) -> None:
    found = mlops("explain", "--version", "1", project=run_by_a_runner).data
    agreement = found["agreement"]
    assert (agreement["format"], agreement["engine"], agreement["differing"]) == (2, "skops", 0)
    assert [(one["engine"], one["agrees"]) for one in agreement["tried"]] == [("onnx", None), ("skops", True)]
    assert agreement["tried"][1]["parts"]["data"]["rows"] == agreement["data_rows"] == found["version"]["rows"]
    assert found["decisions"][0]["what"] == "bootstrap"
    package = Path(found["version"]["package"])
    assert (run_by_a_runner / package / "agreement.json").is_file()
    client, _ = mlflow_of(load_project(run_by_a_runner))
    logged = {Path(file.path).name for file in client.list_artifacts(found["version"]["run_id"], "model")}
    assert {"agreement.json", "model.skops", "MLmodel"} <= logged


def test_a_version_is_explained_in_words(run_by_a_runner: Path) -> None:
    text = words("explain", "--version", "1", project=run_by_a_runner)
    assert "agrees on all" in text
    assert "training rows" not in text
    for word in ("engine", "compared on", "not taken", "FunctionTransformer", "trained on"):
        assert word in text


def test_one_thing_is_explained_at_a_time(run_by_a_runner: Path) -> None:
    for words in ([], ["some-id", "--version", "1"]):
        assert mlops("explain", *words, project=run_by_a_runner, code=2).error["code"] == "nothing_to_explain"
    assert mlops("explain", "--version", "7", project=run_by_a_runner, code=2).error["code"] == "unknown_version"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_a_server_answers_by_a_runner_and_outlives_it(run_by_a_runner: Path) -> None:
    with serving(load_project(run_by_a_runner)) as server:
        talk = server.talk()
        before = talk.predict(FLOWER)["output"]
        assert max(before, key=before.get) == "setosa"
        (runner,) = children(server.pid)
        os.kill(runner, signal.SIGKILL)
        seen = []

        def answers_again() -> bool:
            seen.append(talk.post("/v1/predict", FLOWER))
            return seen[-1][0] == 200

        until(answers_again)
        assert {answer["error"]["code"] for status, answer in seen if status != 200} <= {"runner_died"}
        assert {status for status, _ in seen} <= {200, 503}
        assert seen[-1][1]["output"] == before
        (again,) = children(server.pid)
        assert again != runner
        server.kill()
        until(lambda: not Path(f"/proc/{again}").exists() or "Z" in Path(f"/proc/{again}/stat").read_text())


def test_a_project_that_takes_its_word_back_no_longer_serves_it(run_by_a_runner: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run_by_a_runner, tmp_path / "iris")
    (folder / "mlops.toml").write_text(CONFIG)
    pl.DataFrame([FLOWER]).write_csv(tmp_path / "asked.csv")
    assert mlops("score", tmp_path / "asked.csv", project=run_by_a_runner).data["answers"]
    error = mlops("score", tmp_path / "asked.csv", project=folder, code=2).error
    assert error["code"] == "runner_off"
    assert "runner = true" in error["hint"]


@pytest.mark.slow
def test_where_no_engine_agrees_nothing_is_registered_and_the_decision_says_why(tmp_path: Path) -> None:
    folder = write(tmp_path / "iris", INEXACT)
    decision = mlops("run", project=folder, code=1).data
    assert (decision["what"], decision["version"], decision["rule"]) == ("refuse", None, "engine")
    assert "at split thresholds" in decision["reason"]
    (onnx,) = decision["evidence"]["engines"]
    assert onnx["agrees"] is False
    assert onnx["parts"]["thresholds"]["differing"] > 0
    assert versions(folder) == []
    assert words("run", project=folder, code=1).startswith("the candidate refused: ")
    again = mlops("history", project=folder).data["decisions"][-1]
    assert (again["what"], again["rule"], again["version"]) == ("refuse", "identical", None)
    assert decision["reason"] in again["reason"]
    told = words("status", project=folder)
    assert "the candidate was refused" in told
    assert "None" not in told
