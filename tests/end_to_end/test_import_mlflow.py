"""`mlops import mlflow`: a model that somebody else has logged becomes a version, or the reason why not is printed."""

from __future__ import annotations

import json
import pickle
from datetime import timedelta
from pathlib import Path

import lightgbm
import pandas as pd
import polars as pl
import pytest
from foreign_models import save_booster
from live_projects import live_project, template
from running import mlops

from mlops_lab.intake.now import current_moment
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.registry.package import read_file
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import load_predictor
from mlops_lab.training.pipeline import load_pipeline
from mlops_lab.training.training_set import TrainingSet, build_training_set

__all__ = ["live_project", "template"]


@pytest.fixture(scope="module")
def data(live_project: Project) -> TrainingSet:
    lake = Lake(live_project.lake_path)
    until = current_moment(live_project, lake)
    return build_training_set(live_project, load_pipeline(live_project).features, lake=lake, until=until)


def to_frame(inputs: pl.DataFrame) -> pd.DataFrame:
    numbers = inputs.with_columns(pl.col(pl.Boolean).cast(pl.Float64))
    frame = pd.DataFrame({column.name: column.to_list() for column in numbers.iter_columns()})
    return frame.assign(depot=frame["depot"].astype("category"))


@pytest.fixture(scope="module")
def model(data: TrainingSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A booster that was trained with pandas on the rows before those that are held out."""
    estimator = lightgbm.LGBMClassifier(n_estimators=25, num_leaves=6, n_jobs=1, verbose=-1)
    estimator.fit(to_frame(data.inputs), data.truth.to_numpy().astype(int))
    return save_booster(estimator.booster_, tmp_path_factory.mktemp("theirs") / "model")


def test_it_is_judged_like_a_version_of_the_project(live_project: Project, data: TrainingSet, model: Path) -> None:
    root = live_project.root
    made = mlops("import", "mlflow", model, "--trained-until", data.cutoff.isoformat(), project=root, code=None).data
    assert made["version"] == 2
    assert [gate["gate"] for gate in made["evidence"]["gates"]][-2:] == ["backtest", "slices"]
    assert made["evidence"]["imported"]["flavor"] == "lightgbm"
    decisions = read_decisions(Lake(live_project.lake_path))
    predictor = load_predictor(live_project, decisions, 2)
    theirs = lightgbm.Booster(model_file=str(model / "model.lgb")).predict(to_frame(data.holdout_inputs))
    assert predictor.score(data.holdout_inputs).to_list() == list(theirs)
    assert predictor.plan.engine == "forest"
    lineage = json.loads(read_file(predictor.package, "lineage.json"))
    assert lineage["imported"]["from"] == str(model)
    shown = mlops("explain", "--version", "2", project=root).data["version"]
    assert shown["imported"] == lineage["imported"]
    assert mlops("reproduce", "2", project=root, code=2).error["code"] == "imported_version"
    again = mlops("import", "mlflow", model, "--trained-until", data.cutoff.isoformat(), project=root, code=None).data
    assert (again["rule"], again["version"]) in {("identical", 2), ("rollout_under_way", None)}


def test_a_model_that_may_have_seen_the_held_out_rows_is_refused(
    live_project: Project, data: TrainingSet, model: Path
) -> None:
    late = (data.cutoff + timedelta(minutes=1)).isoformat()
    for more in ((), ("--trained-until", late)):  # by default: until MLflow stored it, which is today
        error = mlops("import", "mlflow", model, *more, project=live_project.root, code=2).error
        assert error["code"] == "saw_held_out_rows"


def test_wrong_input(live_project: Project, model: Path, tmp_path: Path) -> None:
    root = live_project.root
    before = len(read_decisions(Lake(live_project.lake_path)))
    (tmp_path / "MLmodel").write_text("flavors: {sklearn: {pickled_model: model.pkl}}")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(print))
    assert mlops("import", "mlflow", tmp_path, project=root, code=2).error["code"] == "pickle_refused"
    (tmp_path / "model.pkl").unlink()
    assert mlops("import", "mlflow", tmp_path, project=root, code=2).error["code"] == "damaged_model"
    assert mlops("import", "mlflow", "somewhere", project=root, code=2).error["code"] == "unknown_model"
    error = mlops("import", "mlflow", model, "--trained-until", "yesterday", project=root, code=2).error
    assert error["code"] == "bad_time"
    (tmp_path / "MLmodel").write_text("flavors: {lightgbm: {data: model.lgb}}")
    (tmp_path / "model.lgb").write_text("tree")
    assert mlops("import", "mlflow", tmp_path, project=root, code=2).error["code"] == "unknown_age"
    assert len(read_decisions(Lake(live_project.lake_path))) == before
