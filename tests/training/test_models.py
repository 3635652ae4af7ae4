"""Estimators of every kind: fitted, written to a file without code, and proved to agree; docs/models.md has the list."""

import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import HuberRegressor, LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from slow import mostly_slow
from threadpoolctl import threadpool_limits
from xgboost import XGBClassifier, XGBRegressor

from mlops_lab.errors import InvalidInput
from mlops_lab.features.definition import Features
from mlops_lab.inference.predictor import Predictor
from mlops_lab.registry.engine_kinds import model_file
from mlops_lab.registry.package import Plan, write_plan
from mlops_lab.tasks.make import make_task
from mlops_lab.training.fit import fit
from mlops_lab.training.packaging import package as make_package
from mlops_lab.training.pipeline import Pipeline
from mlops_lab.training.training_set import TrainingSet


@pytest.fixture(autouse=True)
def one_thread():
    """Small models, several tests at once: more threads only wait for each other."""
    with threadpool_limits(1):
        yield


NUMBERS, TEXTS = ["size", "price", "rooms"], ["place", "agent"]
INPUTS = [*NUMBERS, "new", *TEXTS, "words"]
CLASSES = ("high", "low", "mid")
ROWS = 600


def make_inputs(rows: int = ROWS) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    words = ["bright", "dark", "garden", "noisy", "old"]

    def holed(values, share):
        return [None if draw < share else value for draw, value in zip(rng.random(rows), values, strict=True)]

    return pl.DataFrame(
        {
            "size": holed(rng.normal(80, 20, rows).round(1).tolist(), 0.1),
            "price": (rng.gamma(2, 20, rows)).tolist(),
            "rooms": rng.integers(1, 8, rows).tolist(),
            "new": (rng.random(rows) < 0.3).tolist(),
            "place": holed(rng.choice(["a", "b", "c"], rows).tolist(), 0.1),
            "agent": [f"k{int(value)}" for value in rng.gamma(2, 4, rows)],
            "words": [" ".join(rng.choice(words, 3)) for _ in range(rows)],
        }
    )


def make_data(kind: str) -> TrainingSet:
    inputs = make_inputs()
    rng = np.random.default_rng(4)
    score = (
        0.03 * inputs["price"].to_numpy()
        + 0.2 * inputs["rooms"].to_numpy()
        + 1.5 * (inputs["place"] == "b").fill_null(value=False).to_numpy()
        - 1.0 * inputs["words"].str.contains("dark").to_numpy()
        + rng.logistic(0, 0.5, ROWS)
    )
    truth = {
        "binary": (score > 2).astype(float),
        "multiclass": np.digitize(score, [1.2, 2.8]).astype(float),
        "regression": score,
    }[kind]
    return TrainingSet(
        task=make_task(kind, classes=CLASSES if kind == "multiclass" else (), scale=float(score.std())),
        inputs=inputs, truth=pl.Series(truth), weights=None, moments=pl.Series(range(ROWS)), holdout=pl.DataFrame(), holdout_inputs=inputs.head(50),
        holdout_truth=pl.Series(truth[:50]), cutoff=None, until=None, snapshots=(), fingerprint="",
    )  # fmt: skip


def behind_columns(estimator):
    """A usual pipeline: numbers filled and scaled, text one-hot, words as TF-IDF.

    XGBoost splits at the very values it was trained on, and those of TF-IDF differ in the last digit of float32.
    """
    columns = [
        (make_pipeline(SimpleImputer(), StandardScaler()), [*NUMBERS, "new"]),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), TEXTS),
    ]
    if not type(estimator).__name__.startswith("XGB"):
        columns.append((TfidfVectorizer(lowercase=False, token_pattern="[^ ]+"), "words"))
    return make_pipeline(make_column_transformer(*columns, sparse_threshold=0.0), estimator)


LOGISTIC, FOREST = LogisticRegression(max_iter=500), RandomForestClassifier(10, random_state=1)
CLASSIFIERS = {
    "logistic regression": LogisticRegression(max_iter=500),
    "SGD": SGDClassifier(loss="log_loss", random_state=1),
    "tree": DecisionTreeClassifier(max_depth=5, random_state=1),
    "random forest": RandomForestClassifier(10, random_state=1),
    "extra trees": ExtraTreesClassifier(10, random_state=1),
    "gradient boosting": GradientBoostingClassifier(n_estimators=10, random_state=1),
    "histogram boosting": HistGradientBoostingClassifier(max_iter=10, random_state=1),
    "AdaBoost": AdaBoostClassifier(n_estimators=5, random_state=1),
    "bagging": BaggingClassifier(n_estimators=3, random_state=1),
    "SVM": CalibratedClassifierCV(SVC(random_state=1), ensemble=False),
    "nearest neighbours": KNeighborsClassifier(),
    "neural network": MLPClassifier((10,), max_iter=50, random_state=1),
    "naive Bayes": GaussianNB(var_smoothing=1.0),
    "quadratic discriminant": QuadraticDiscriminantAnalysis(reg_param=0.5),
    "XGBoost": XGBClassifier(n_estimators=10, n_jobs=1),
    "LightGBM": LGBMClassifier(n_estimators=10, n_jobs=1, verbose=-1),
    "CatBoost": CatBoostClassifier(iterations=10, verbose=0, allow_writing_files=False, thread_count=1),
    "calibrated SVM": CalibratedClassifierCV(LinearSVC(random_state=1)),
    "calibrated forest": CalibratedClassifierCV(FOREST, method="sigmoid"),
    "stack": StackingClassifier([("a", LOGISTIC), ("b", FOREST)]),
    "vote": VotingClassifier([("a", LOGISTIC), ("b", FOREST)], voting="soft"),
}
REGRESSORS = {
    "linear regression": LinearRegression(),
    "ridge": Ridge(),
    "Huber": HuberRegressor(max_iter=500),
    "random forest": RandomForestRegressor(10, random_state=1),
    "gradient boosting": GradientBoostingRegressor(n_estimators=10, random_state=1),
    "histogram boosting": HistGradientBoostingRegressor(max_iter=10, random_state=1),
    "SVM": SVR(C=0.1),
    "nearest neighbours": KNeighborsRegressor(),
    "neural network": MLPRegressor(hidden_layer_sizes=(10,), max_iter=300, random_state=1),
    "XGBoost": XGBRegressor(n_estimators=10, n_jobs=1),
    "LightGBM": LGBMRegressor(n_estimators=10, n_jobs=1, verbose=-1),
    "CatBoost": CatBoostRegressor(iterations=10, verbose=0, allow_writing_files=False, thread_count=1),
    "stack": StackingRegressor([("a", Ridge()), ("b", RandomForestRegressor(5, random_state=1))]),
}


SLOW = {
    "AdaBoost", "bagging", "calibrated forest", "extra trees", "gradient boosting", "nearest neighbours",
    "random forest", "stack", "vote",
}  # fmt: skip
"""Estimators whose conversion costs most. A forest and neighbours are packaged by other tests of this file too."""


def package(tmp_path: Path, estimator, data: TrainingSet, inputs=None):
    """The estimator fitted and packaged; what serves it, the agreement of both, and the fitted model."""
    features = Features(list(inputs or data.inputs.columns))
    pipeline = Pipeline(features, lambda: estimator, "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = fit(pipeline, data)
    kinds = {pl.String: "string?", pl.Boolean: "boolean?", pl.Int64: "integer?"}
    plan = Plan(
        task=data.task.kind, classes=list(CLASSES) if data.task.kind == "multiclass" else [],
        outputs=fitted.outputs, request={name: kinds.get(type(dtype), "float?") for name, dtype in data.inputs.schema.items()},
        time="asked_at", tables={}, features=features.as_dict(), categories=fitted.categories,
    )  # fmt: skip
    packaged = make_package(fitted, plan, data.inputs)
    (tmp_path / model_file(packaged.plan.engine)).write_bytes(packaged.model)
    (tmp_path / "plan.json").write_bytes(write_plan(packaged.plan))
    return Predictor(tmp_path, version=1), packaged.agreement, fitted


def check(tmp_path: Path, estimator, data: TrainingSet) -> None:
    predictor, agreement, _ = package(tmp_path, estimator, data)
    assert agreement.differing == 0, agreement
    assert agreement.rows > ROWS, "edge cases were compared too"
    served = predictor.score(data.holdout_inputs)
    assert not data.task.invalid(served).any()
    one_by_one = pl.Series(predictor.score_rows(data.holdout_inputs.rows()), dtype=served.dtype)
    assert np.allclose(one_by_one.to_list(), served.to_list(), rtol=1e-5, atol=1e-5)
    losses = data.task.losses(data.truth, predictor.score(data.inputs))
    assert losses.mean() < data.task.losses(data.truth, data.task.constant(data.truth, ROWS)).mean(), (
        "it learned something"
    )


@pytest.mark.parametrize("name", mostly_slow(CLASSIFIERS, quick=CLASSIFIERS.keys() - SLOW))
@pytest.mark.parametrize("kind", mostly_slow(["binary", "multiclass"], quick=["multiclass"]))
def test_classifiers_behind_columns_of_all_kinds(tmp_path, name, kind):
    check(tmp_path, behind_columns(CLASSIFIERS[name]), make_data(kind))


@pytest.mark.parametrize("name", mostly_slow(REGRESSORS, quick=REGRESSORS.keys() - SLOW))
def test_regressors_behind_columns_of_all_kinds(tmp_path, name):
    check(tmp_path, behind_columns(REGRESSORS[name]), make_data("regression"))


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_lightgbm_alone_is_served_by_an_exact_engine(tmp_path, kind):
    kinds = LGBMRegressor if kind == "regression" else LGBMClassifier
    predictor, agreement, _ = package(tmp_path, kinds(n_estimators=10, n_jobs=1, verbose=-1), make_data(kind))
    assert predictor.engine.exact
    assert agreement.largest == agreement.tolerance == 0.0


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(max_iter=500),
        RandomForestClassifier(10, random_state=1),
        HistGradientBoostingClassifier(max_iter=10),
        XGBClassifier(n_estimators=10, n_jobs=1),
        make_pipeline(StandardScaler(), KNeighborsClassifier()),
        make_pipeline(RobustScaler(), RandomForestClassifier(10, random_state=1)),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_estimators_of_numbers_need_no_columns(tmp_path, estimator):
    data = make_data("binary")
    inputs = data.inputs.select("price", "rooms", "new")
    check(tmp_path, estimator, TrainingSet(**{**vars(data), "inputs": inputs, "holdout_inputs": inputs.head(50)}))


def test_ordinal_codes_and_trees(tmp_path):
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_transformer((codes, TEXTS), ("passthrough", NUMBERS))
    check(tmp_path, make_pipeline(columns, HistGradientBoostingClassifier(max_iter=10)), make_data("binary"))


def test_weights_change_the_model(tmp_path):
    data = make_data("binary")
    weights = pl.Series(np.where(data.truth.to_numpy() == 1, 20.0, 1.0))
    heavy = TrainingSet(**{**vars(data), "weights": weights})
    for estimator in (behind_columns(LOGISTIC), LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1)):
        (one, other) = (tmp_path / f"{id(estimator)}-{part}" for part in "ab")
        one.mkdir(), other.mkdir()
        plain = package(one, estimator, data)[0].score(data.inputs)
        weighed = package(other, estimator, heavy)[0].score(data.inputs)
        assert weighed.mean() > plain.mean() + 0.1


def test_a_class_that_was_never_learned_has_probability_0(tmp_path):
    data = make_data("multiclass")
    two = data.truth.replace({1.0: 2.0})  # only "high" and "mid"
    for estimator in (behind_columns(FOREST), LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1)):
        folder = tmp_path / type(estimator).__name__
        folder.mkdir()
        predictor, agreement, _ = package(folder, estimator, TrainingSet(**{**vars(data), "truth": two}))
        assert agreement.differing == 0
        output = predictor.score(data.inputs)
        assert (output.list.get(1) == 0).all()
        assert not data.task.invalid(output).any()


def write_graph(path: Path, inputs: list[str], *, width: int = 1, outputs: int = 1) -> Path:
    """A network as PyTorch would export it: a weighed sum, and a sigmoid or a softmax of it."""
    from onnx import TensorProto, helper

    columns = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width]) for name in inputs]
    matrix = inputs[0]
    nodes = []
    if len(inputs) > 1:
        nodes.append(helper.make_node("Concat", inputs, ["all"], axis=1))
        matrix = "all"
    total = len(inputs) * width
    weights = helper.make_tensor(
        "weights", TensorProto.FLOAT, [total, outputs], np.linspace(-0.1, 0.1, total * outputs)
    )
    nodes.append(helper.make_node("MatMul", [matrix, "weights"], ["sums"]))
    nodes.append(helper.make_node("Softmax" if outputs > 1 else "Sigmoid", ["sums"], ["answer"]))
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, [None, outputs])
    graph = helper.make_graph(nodes, "net", columns, [answer], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize("named", [True, False])
def test_a_network_trained_elsewhere_is_served_from_its_file(tmp_path, kind, named):
    data = make_data(kind)
    inputs = data.inputs.select("price", "rooms", "new")
    data = TrainingSet(**{**vars(data), "inputs": inputs, "holdout_inputs": inputs.head(50)})
    names, width = (inputs.columns, 1) if named else (["x"], 3)
    path = write_graph(tmp_path / "net.onnx", names, width=width, outputs=3 if kind == "multiclass" else 1)
    (tmp_path / "package").mkdir()
    predictor, agreement, _ = package(tmp_path / "package", path, data)
    assert agreement.differing == 0
    assert not data.task.invalid(predictor.score(data.holdout_inputs)).any()


def test_a_network_with_other_inputs_is_refused(tmp_path):
    error = refuse_to_fit(write_graph(tmp_path / "net.onnx", ["price", "colour"]))
    assert error.code == "bad_onnx"
    assert "colour" in error.what


def refuse_to_fit(estimator, data=None) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        fit(Pipeline(Features(INPUTS), lambda: estimator, ""), data or make_data("binary"))
    assert caught.value.hint
    return caught.value
