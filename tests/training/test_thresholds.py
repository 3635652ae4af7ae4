"""Rows at split thresholds: the thresholds of the model itself, and rows that reach the splits."""

import numpy as np
import polars as pl
import pytest
from catboost import CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor
from xgboost import XGBRegressor

from mlops_lab.registry.frames import to_matrix, to_pandas
from mlops_lab.training.thresholds import threshold_rows
from mlops_lab.training.trees import find_trees

ROWS = 2000


@pytest.fixture(scope="module")
def inputs() -> pl.DataFrame:
    rng = np.random.default_rng(1)
    return pl.DataFrame(
        {
            "price": rng.gamma(2, 20, ROWS),
            "size": [None if draw < 0.1 else draw * 100 for draw in rng.random(ROWS)],
            "rooms": rng.integers(1, 9, ROWS),
        }
    )


@pytest.fixture(scope="module")
def truth(inputs) -> np.ndarray:
    rng = np.random.default_rng(2)
    size = inputs["size"].fill_null(50).to_numpy()
    return 0.1 * inputs["price"].to_numpy() + np.sin(size / 10) + inputs["rooms"].to_numpy() + rng.normal(0, 0.1, ROWS)


TREES = {
    "LightGBM": LGBMRegressor(n_estimators=10, n_jobs=1, verbose=-1),
    "XGBoost": XGBRegressor(n_estimators=10, n_jobs=1),
    "CatBoost": CatBoostRegressor(iterations=10, verbose=0, allow_writing_files=False, thread_count=1),
    "histogram boosting": HistGradientBoostingRegressor(max_iter=10),
    "extra trees": ExtraTreesRegressor(5, max_depth=6, random_state=1),
    "tree": DecisionTreeRegressor(max_depth=6, random_state=1),
}


def known_thresholds(estimator) -> set[float]:
    """The thresholds as the library itself lists them."""
    if hasattr(estimator, "booster_"):
        return {float(cut) for cut in estimator.booster_.trees_to_dataframe()["threshold"].dropna()}
    if hasattr(estimator, "get_booster"):
        return set(estimator.get_booster().trees_to_dataframe()["Split"].dropna())
    if hasattr(estimator, "get_borders"):
        return {border for borders in estimator.get_borders().values() for border in borders}
    if hasattr(estimator, "tree_"):
        return set(estimator.tree_.threshold[estimator.tree_.feature >= 0])
    if hasattr(estimator, "_predictors"):
        nodes = np.concatenate([part[0].nodes for part in estimator._predictors])
        return set(nodes["num_threshold"][nodes["is_leaf"] == 0])
    return set().union(*map(known_thresholds, estimator.estimators_))


@pytest.mark.parametrize("name", TREES)
def test_the_thresholds_are_those_of_the_model_and_rows_reach_them(inputs, truth, name):
    estimator = TREES[name].fit(to_matrix(inputs), truth)
    in_float32 = name != "LightGBM"
    to_input = to_matrix if in_float32 else lambda rows: rows.cast(pl.Float64).to_numpy()
    ensembles = find_trees(estimator, to_input)
    thresholds = {
        float(cut) for ensemble in ensembles for tree in ensemble.trees for cut in tree.threshold[tree.is_number]
    }
    assert sorted(thresholds) == pytest.approx(sorted(known_thresholds(estimator)))
    rows_at = threshold_rows(ensembles, inputs, in_float32=in_float32)
    assert rows_at.splits > 0.8 * rows_at.splits_in_all > 10
    assert rows_at.rows.height == 3 * rows_at.splits
    assert rows_at.rows.schema == inputs.schema
    assert rows_at.rows["size"].null_count() < rows_at.rows.height
    answers = estimator.predict(to_input(rows_at.rows)).reshape(3, -1)
    turned = (answers[0] != answers[1]) | (answers[1] != answers[2])
    assert turned.mean() > 0.7, "most rows reach the split at whose threshold they are"


def test_a_step_is_one_of_float64_for_a_model_that_is_given_that(inputs, truth):
    estimator = LGBMRegressor(n_estimators=3, n_jobs=1, verbose=-1).fit(to_matrix(inputs), truth)
    ensembles = find_trees(estimator, lambda rows: rows.cast(pl.Float64).to_numpy())
    rows_at = threshold_rows(ensembles, inputs, in_float32=False)
    below, at, above = rows_at.rows["price"].to_numpy().reshape(3, -1)
    moved = at != below
    assert moved.any()
    assert (np.nextafter(at[moved], -np.inf) == below[moved]).all()
    assert (np.nextafter(at[moved], np.inf) == above[moved]).all()
    rooms = rows_at.rows["rooms"].to_numpy().reshape(3, -1)
    assert set(np.unique(rooms[2] - rooms[1])) == {0, 1}, "whole numbers stay whole"


def test_behind_other_steps_the_inputs_that_cross_the_threshold_are_found(inputs, truth):
    """Also behind a curve: the steps are not analysed, they are run."""
    rows = inputs.with_columns(pl.col("size").fill_null(50.0), place=pl.Series(["a", "b"] * (ROWS // 2)))
    steps = make_column_transformer(
        (make_pipeline(FunctionTransformer(np.log1p), StandardScaler()), ["price"]),
        (StandardScaler(), ["size", "rooms"]),
        (OneHotEncoder(sparse_output=False), ["place"]),
    )
    estimator = make_pipeline(steps, DecisionTreeRegressor(max_depth=7, random_state=1)).fit(to_pandas(rows), truth)
    ensembles = find_trees(estimator, to_pandas)
    rows_at = threshold_rows(ensembles, rows, in_float32=True)
    assert rows_at.splits > 0.9 * rows_at.splits_in_all > 50
    answers = estimator.predict(to_pandas(rows_at.rows)).reshape(3, -1)
    assert (answers[0] != answers[1]).mean() > 0.7, "the number above goes another way than the number below"
    price = rows_at.rows["price"].to_numpy().astype(np.float32).reshape(3, -1)
    moved = price[0] != price[1]
    assert (np.nextafter(price[0][moved], np.float32(np.inf)) == price[1][moved]).all()


FOREST = RandomForestClassifier(3, max_depth=4, random_state=1)
NESTED = {
    "vote": VotingClassifier([("a", FOREST), ("b", LogisticRegression())], voting="soft"),
    "bagging": BaggingClassifier(FOREST, n_estimators=2, max_features=2, random_state=1),
    "calibrated": CalibratedClassifierCV(FOREST, cv=2),
    "stack": StackingClassifier([("a", FOREST), ("b", LogisticRegression())]),
    "search": GridSearchCV(FOREST, {"max_depth": [3, 4]}, cv=2),
    "boosting": GradientBoostingClassifier(n_estimators=3, random_state=1),
}


@pytest.mark.parametrize("name", NESTED)
def test_trees_inside_other_estimators_are_found(inputs, truth, name):
    rows = inputs.with_columns(pl.col("size").fill_null(50.0))
    estimator = NESTED[name].fit(to_matrix(rows), truth > np.median(truth))
    ensembles = find_trees(estimator, to_matrix)
    rows_at = threshold_rows(ensembles, rows, in_float32=True)
    assert rows_at.splits > 10
    answers = estimator.predict_proba(to_matrix(rows_at.rows))[:, 1].reshape(3, -1)
    assert ((answers[0] != answers[1]) | (answers[1] != answers[2])).mean() > 0.5


def test_a_model_without_trees_has_no_thresholds(inputs, truth):
    rows = inputs.with_columns(pl.col("size").fill_null(50.0))
    estimator = LogisticRegression().fit(to_matrix(rows), truth > np.median(truth))
    rows_at = threshold_rows(find_trees(estimator, to_matrix), rows, in_float32=True)
    assert (rows_at.rows.height, rows_at.splits, rows_at.splits_in_all) == (0, 0, 0)
    assert rows_at.rows.schema == rows.schema


def test_a_tree_that_learned_nothing_has_no_thresholds(inputs):
    one_leaf = LGBMClassifier(n_estimators=3, min_child_samples=ROWS, n_jobs=1, verbose=-1)
    one_leaf.fit(to_matrix(inputs), np.arange(ROWS) % 2)
    assert find_trees(one_leaf, to_matrix) == []
    stump = DecisionTreeRegressor().fit(to_matrix(inputs), np.zeros(ROWS))
    assert find_trees(stump, to_matrix) == []
