"""The recipes that are compared: some for every size of table, LightGBM's defaults among them."""

from __future__ import annotations

import pytest

from mlops_lab.starter.recipe import LINE, list_trees


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("rows", [50, 1_999, 2_000, 49_999, 50_000, 10_000_000])
def test_for_every_table_there_are_some_and_the_defaults_of_lightgbm(task: str, rows: int) -> None:
    recipes = list_trees(task, rows)
    assert recipes[-1].trees[0].parameters == {}
    assert len({recipe.name for recipe in recipes}) == len(recipes) >= 2
    assert all(recipe.trees[0].reason and not recipe.has_line for recipe in recipes)


def test_below_two_thousand_rows_split_points_are_random_or_not() -> None:
    given = [recipe.trees[0].parameters for recipe in list_trees("binary", 500)]
    assert [parameters.get("extra_trees", False) for parameters in given] == [True, False, False]


def test_parameters_are_added_to_all_trees_of_a_blend() -> None:
    usual = list_trees("binary", 500)[-1].blended(LINE)
    changed = usual.with_parameters({"max_bin": 63})
    assert [trees.parameters for trees in changed.trees] == [{"max_bin": 63}]
    assert changed.name == usual.name
    assert usual.trees[0].parameters == {}


def test_a_blend_is_trees_and_a_line() -> None:
    trees = list_trees("binary", 500)[0]
    blend = trees.blended(LINE)
    assert blend.is_blend
    assert blend.trees == trees.trees
    assert blend.name == "small trees at random split points and a linear model, averaged"
    assert not trees.is_blend
    assert not LINE.is_blend
    three = trees.blended(list_trees("binary", 500)[1]).blended(LINE)
    assert three.name == "small trees at random split points and small trees and a linear model, averaged"
