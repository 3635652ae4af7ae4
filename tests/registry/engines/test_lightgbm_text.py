"""LightGBM's text format: all of its trees are read, and a text of which a part is missing is refused."""

from __future__ import annotations

import math

import lightgbm
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightgbm_models import MODELS, ROWS, train

from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.engines.lightgbm_text import check_complete, read_forest, split_thresholds

BINARY = train(*MODELS["binary"])


@pytest.mark.parametrize("name", ["binary", "multiclass", "large trees", "small sets", "no split at all"])
def test_trees_leaves_and_thresholds_are_those_that_lightgbm_lists(name: str) -> None:
    text = train(*MODELS[name])
    booster = lightgbm.Booster(model_str=text)
    forest = read_forest(text)
    assert len(forest.trees) == booster.num_trees()
    assert (forest.width, forest.outputs) == (booster.num_feature(), booster.num_model_per_iteration())
    nodes = booster.trees_to_dataframe()
    leaves = nodes[nodes["split_feature"].isna()]
    assert sum(len(tree.leaves) for tree in forest.trees) == len(leaves)
    assert math.fsum(value for tree in forest.trees for value in tree.leaves) == pytest.approx(leaves["value"].sum())
    numbers = nodes[nodes["decision_type"] == "<="]  # where infinity is listed as 1e300
    listed = {(int(row.split_feature.removeprefix("Column_")), row.threshold) for row in numbers.itertuples()}
    read = {(index, min(threshold, 1e300)) for index, values in split_thresholds(text).items() for threshold in values}
    assert read == listed
    assert all(values == sorted(values) for values in split_thresholds(text).values())


@pytest.mark.parametrize(
    ("name", "transform", "steepness", "divisor"),
    [
        ("binary", "sigmoid", 1.0, 1.0),
        ("binary, steep", "sigmoid", 2.5, 1.0),
        ("multiclass", "softmax", 1.0, 1.0),
        ("one against all", "sigmoid", 1.0, 1.0),
        ("regression", "plain", 1.0, 1.0),
        ("regression on roots", "square", 1.0, 1.0),
        ("poisson", "exp", 1.0, 1.0),
        ("random forest", "sigmoid", 1.0, 12.0),
    ],
)
def test_what_becomes_of_the_sums_is_read_from_the_objective(
    name: str, transform: str, steepness: float, divisor: float
) -> None:
    forest = read_forest(train(*MODELS[name]))
    assert (forest.transform, forest.steepness, forest.divisor) == (transform, steepness, divisor)


def test_a_whole_text_is_complete() -> None:
    for text in (BINARY, train("yes or no", {"objective": "binary", "min_data_in_leaf": ROWS})):
        check_complete(text)


@given(st.integers(0, BINARY.index("end of trees") + len("end of trees") - 1))
def test_a_text_cut_off_anywhere_is_an_error_with_a_hint(length: int) -> None:
    """Also between two trees: what is left would be a smaller model that answers otherwise."""
    for read in (check_complete, read_forest):
        with pytest.raises(EnvironmentFault) as caught:
            read(BINARY[:length])
        assert caught.value.code == "engine_failed"
        assert caught.value.hint


def test_a_text_that_lacks_a_tree_in_the_middle_is_an_error() -> None:
    begin, end = BINARY.index("\nTree=3"), BINARY.index("\nTree=4")
    with pytest.raises(EnvironmentFault):
        check_complete(BINARY[:begin] + BINARY[end:])
