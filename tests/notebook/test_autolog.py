"""MLflow's autologging works as usual: `train` is logged where the person's tracking URI points, and only there."""

from collections.abc import Iterator
from typing import Any

import mlflow
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlops_lab import Project, train
from mlops_lab.features import Features

FEATURES = Features(inputs=["sepal_length", "petal_length"])


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mlflow.MlflowClient]:
    """A tracking URI of one's own, and autologging as a person turns it on."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path_factory.mktemp('tracking')}/mine.db")
    mlflow.sklearn.autolog(log_models=False, silent=True)
    mlflow.lightgbm.autolog(log_models=False, silent=True)
    yield mlflow.MlflowClient()
    mlflow.sklearn.autolog(disable=True)
    mlflow.lightgbm.autolog(disable=True)
    mlflow.set_tracking_uri(before)


def scaled() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.125))


def test_a_pipeline_is_logged_and_is_the_same_as_without(iris: Project, request: pytest.FixtureRequest) -> None:
    plain = train(iris, scaled, features=FEATURES)
    tracking: mlflow.MlflowClient = request.getfixturevalue("tracking")
    logged = train(iris, scaled, features=FEATURES)
    run = tracking.search_runs(["0"], order_by=["attributes.start_time DESC"])[0]
    assert run.info.status == "FINISHED"
    assert run.data.params["logisticregression__C"] == "0.125"
    assert 0 < run.data.metrics["training_score"] <= 1
    assert mlflow.active_run() is None
    assert logged.agreement.differing == 0
    assert logged.answers.output.equals(plain.answers.output)
    assert not iris.files.mlflow_path.exists()


def test_lightgbm_is_logged_into_the_run_that_is_open(tracking: mlflow.MlflowClient, iris: Project) -> None:
    from lightgbm import LGBMClassifier

    with mlflow.start_run(run_name="mine") as run:
        result = train(iris, LGBMClassifier(n_estimators=7, n_jobs=1, verbose=-1), features=FEATURES)
        mlflow.log_metric("held_out_log_loss", result.quality["log_loss"])
    logged = tracking.get_run(run.info.run_id)
    assert logged.data.params["num_boost_round"] == "7"
    assert logged.data.metrics["held_out_log_loss"] == result.quality["log_loss"]
