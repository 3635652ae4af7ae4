"""The choice of a recipe: the one that predicts unseen rows best, the same every time, with later rows tested on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlops_lab.starter import choose_recipe as choose_module
from mlops_lab.starter.choose_recipe import (
    MIN_ROWS,
    ChosenRecipe,
    as_training_set,
    choose_recipe,
    fit_text,
    sample_size,
)
from mlops_lab.starter.model_text import ModelInputs, write_model
from mlops_lab.starter.recipe import LINE, list_trees
from mlops_lab.tasks.make import make_task
from mlops_lab.training.fit import to_answers

CLASSES = ("high", "low", "mid")


@pytest.fixture(autouse=True)
def _fewer_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small tables are split once, not three times: the tables of these tests are clear enough."""
    monkeypatch.setattr(choose_module, "_FEW_ROWS", 0)


def choose(task: str, inputs: pl.DataFrame, truth: Any, **options: Any) -> ChosenRecipe:
    texts = [name for name, dtype in inputs.schema.items() if dtype == pl.String]
    kinds = ModelInputs([name for name in inputs.columns if name not in texts], texts, [])
    made = make_task(task, classes=CLASSES if task == "multiclass" else ())
    return choose_recipe(made, inputs, pl.Series(truth).cast(pl.Float64), rows=inputs.height, kinds=kinds, **options)


def make_numbers(rows: int = 240) -> pl.DataFrame:
    draw = np.random.default_rng(2)
    return pl.DataFrame({name: draw.normal(size=rows) for name in "abcd"})


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_line_is_chosen_where_the_truth_is_one(task: str) -> None:
    inputs = make_numbers()
    score = (
        inputs["a"] + inputs["b"] - inputs["c"] + 0.3 * pl.Series(np.random.default_rng(3).normal(size=240))
    ).to_numpy()
    truth = {"binary": score > 0, "multiclass": np.digitize(score, [-0.5, 0.5]), "regression": score}[task]
    chosen = choose(task, inputs, truth)
    assert chosen.recipe == LINE
    assert (
        chosen.comparison[0] == f"Chosen by {chosen.loss_name} on rows not trained on (5 folds, at random, 240 rows):"
    )
    assert chosen.comparison[1].endswith("a linear model")
    assert len(chosen.losses) == len(chosen.comparison) - 1 >= 5
    assert chosen.note.startswith("the model: a linear model; ")


def test_a_line_is_chosen_where_nothing_is_better_beyond_chance() -> None:
    draw = np.random.default_rng(5)
    inputs = pl.DataFrame({name: draw.normal(size=120) for name in "ab"})
    truth = inputs["a"].to_numpy() + 0.15 * inputs["b"].to_numpy() ** 2 + draw.normal(size=120)
    chosen = choose("regression", inputs, truth)
    lowest = min(chosen.losses, key=lambda name: chosen.losses[name])
    assert chosen.recipe == LINE
    assert lowest in chosen.by_chance
    assert all(chosen.losses[name] < chosen.losses[LINE.name] for name in chosen.by_chance)
    assert chosen.comparison[1].endswith(f"{lowest} (not better beyond chance, and less simple)")


def test_a_row_that_is_held_out_several_times_counts_once() -> None:
    rows = as_training_set(make_task("regression"), pl.DataFrame({"a": [0.0] * 100}), pl.Series([0.0] * 100))
    fold = replace(rows, holdout_inputs=rows.inputs, holdout_truth=rows.truth)
    errors = np.array([1.0, 0.555] * 50)  # squared 0.014 more than the best ones on average, with an error of 0.035
    for times in (1, 4):
        trial = choose_module._Trial(rows.task, ModelInputs(["a"], [], []), [fold] * times, 100)
        best = [np.full(100, 0.8)] * times
        assert trial.is_as_good([errors] * times, best)
        assert trial.is_as_good(best, best)
        assert not trial.is_as_good([errors + 0.1] * times, best)


def test_trees_are_chosen_where_combinations_matter() -> None:
    """Inputs of few levels, whose combination decides: trees at random split points underfit, and so does a line."""
    draw = np.random.default_rng(5)
    inputs = pl.DataFrame({f"x{number}": draw.choice([0, 0.5, 1], 600) for number in range(6)})
    truth = (inputs["x0"] == 1) != (inputs["x1"] == 1)
    chosen = choose("binary", inputs, truth)
    assert chosen.recipe.trees
    assert not any(trees.parameters.get("extra_trees") for trees in chosen.recipe.trees)
    assert chosen.losses[chosen.recipe.name] < 0.5 * chosen.losses[LINE.name]
    assert choose("binary", inputs, truth) == chosen, "the same table gives the same choice"


def test_folds_follow_time() -> None:
    """A line that holds only in the first half of the time is not what predicts the rest."""
    inputs = make_numbers(400)
    late = np.arange(400) >= 200
    truth = np.where(late, 0, 5 * inputs["a"].to_numpy()) + np.random.default_rng(1).normal(size=400)
    moments = pl.Series(range(400))
    chosen = choose("regression", inputs, truth, moments=moments)
    assert chosen.split == "2 folds, each later than what it was trained on"
    assert chosen.losses[LINE.name] > choose("regression", inputs, truth).losses[LINE.name]


def test_what_no_engine_serves_is_not_chosen() -> None:
    inputs = make_numbers()
    asked: list[str] = []

    def is_served(text: str, rows: Any) -> bool:
        asked.append(text)
        return False

    chosen = choose("regression", inputs, inputs["a"] + inputs["b"], is_served=is_served)
    assert asked
    assert not chosen.recipe.has_line
    assert min(chosen.losses, key=lambda name: chosen.losses[name]) != chosen.recipe.name


def test_where_too_little_is_known_the_first_trees_are_taken() -> None:
    few = make_numbers(MIN_ROWS - 1)
    chosen = choose("binary", few, [True, False] * 29 + [True])
    assert not chosen.losses
    assert "too few rows" in chosen.note
    assert "Too few rows" in chosen.comparison[0]
    one_class = choose("binary", make_numbers(), [True] * 240)
    assert not one_class.losses
    rare = choose("multiclass", make_numbers(), [0.0] * 238 + [1.0, 2.0])
    assert rare.recipe


def test_a_blend_is_compared_as_it_is_written() -> None:
    """What a blend in pipeline.py answers is the mean that the choice judged."""
    inputs = make_numbers()
    truth = inputs["a"] * inputs["b"] + inputs["c"]
    rows = as_training_set(make_task("regression"), inputs[:180], truth[:180], asked=(inputs[180:], truth[180:]))
    trees = list_trees("regression", 240)[0]
    columns: dict[str, Any] = {"rows": 240, "numbers": inputs.columns, "categories": [], "text": []}
    answers = [
        to_answers(fit_text(write_model("regression", recipe=recipe, **columns), rows), rows.holdout_inputs).to_numpy()
        for recipe in (trees, LINE, trees.blended(LINE))
    ]
    assert answers[2] == pytest.approx((answers[0] + answers[1]) / 2, abs=1e-4)


def test_wide_tables_and_those_of_many_classes_are_compared_on_fewer_rows() -> None:
    assert sample_size(30, 0) == 20_000
    assert sample_size(300, 0) == 2_000
    assert sample_size(30, 10) == 2_000
    assert sample_size(100_000, 50) == 1_000
