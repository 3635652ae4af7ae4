"""The trees inside estimators: their splits as arrays, and rows that reach them."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import BaggingRegressor, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from mlops_lab.registry.frames import to_matrix
from mlops_lab.training.trees import Tree, find_reaching_rows, find_trees, spread

RNG = np.random.default_rng(1)
INPUTS = pl.DataFrame({"a": RNG.normal(size=200), "b": RNG.normal(size=200), "c": RNG.normal(size=200)})
TRUTH = (INPUTS["a"] + INPUTS["b"] ** 2).to_numpy()
# One split on column 0 at 0.0, and on its right one on column 1 at 1.0.
SMALL = Tree(
    column=np.array([0, 1]),
    threshold=np.array([0.0, 1.0]),
    left=np.array([-1, -1]),
    right=np.array([1, -1]),
    is_number=np.array([True, True]),
)


def test_the_splits_of_a_tree_are_those_of_the_library_and_children_are_splits():
    estimator = DecisionTreeRegressor(max_depth=4, random_state=1).fit(to_matrix(INPUTS), TRUTH)
    ((_, (tree,)),) = find_trees(estimator, to_matrix)
    inner = estimator.tree_.children_left >= 0
    assert tree.is_number.tolist() == inner.tolist()
    assert tree.threshold[inner].tolist() == estimator.tree_.threshold[inner].tolist()
    children = np.concatenate([tree.left[inner], tree.right[inner]])
    assert sorted(children[children >= 0]) == np.flatnonzero(inner)[1:].tolist(), "all but the root have one parent"


def test_trees_behind_steps_and_in_parts_are_given_what_those_make_of_inputs():
    scaled = make_pipeline(StandardScaler(), RandomForestRegressor(3, random_state=1)).fit(to_matrix(INPUTS), TRUTH)
    (ensemble,) = find_trees(scaled, to_matrix)
    assert len(ensemble.trees) == 3
    assert np.allclose(ensemble.to_input(INPUTS), scaled[0].transform(to_matrix(INPUTS)))
    parts = BaggingRegressor(DecisionTreeRegressor(), n_estimators=4, max_features=2, random_state=1)
    parts.fit(to_matrix(INPUTS), TRUTH)
    ensembles = find_trees(parts, to_matrix)
    assert sum(len(ensemble.trees) for ensemble in ensembles) == 4
    for ensemble in ensembles:
        matrix = ensemble.to_input(INPUTS)
        assert all(tree.column.max() < matrix.shape[1] for tree in ensemble.trees)
    by_root = {
        part.tree_.threshold[0]: columns[part.tree_.feature[0]]
        for part, columns in zip(parts.estimators_, parts.estimators_features_, strict=True)
    }
    for ensemble in ensembles:
        for tree in ensemble.trees:
            given = ensemble.to_input(INPUTS)[:, tree.column[0]]
            assert np.array_equal(given, to_matrix(INPUTS)[:, by_root[tree.threshold[0]]]), "the column of that part"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[-1.0, 0.0]], {0: 0}),
        ([[-1.0, 0.0], [0.0, 5.0], [0.5, 0.0]], {0: 0, 1: 2}),
        ([[np.nan, 0.0], [np.nan, 0.0]], {0: 0, 1: 1}),
    ],
    ids=["only left", "at the threshold is left", "every other missing one goes right"],
)
def test_a_row_that_reaches_each_split(rows, expected):
    splits, reaching = find_reaching_rows(SMALL, np.array(rows))
    assert dict(zip(splits.tolist(), reaching.tolist(), strict=True)) == expected


@given(st.lists(st.integers(), max_size=30), st.integers(1, 10))
def test_spread_keeps_the_order_and_the_ends_and_no_more_than_asked(values, most):
    kept = list(spread(values, most))
    assert len(kept) == min(len(values), most)
    assert kept == values or (kept[0] == values[0] and (most == 1 or kept[-1] == values[-1]))
    remaining = iter(values)
    assert all(value in remaining for value in kept), "in the same order"
