"""What a trained result offers and displays."""

from dataclasses import replace
from typing import Any

import polars as pl
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlops_lab import Project, train
from mlops_lab.features import Features

NUMBERS = Features(inputs=["sepal_length", "petal_length"])


def scaled() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.5))


def test_the_holdout_has_inputs_and_answers(tiny: Any, shop: Project) -> None:
    rows = train(shop, now=tiny.now).holdout
    assert rows.height == tiny.training.holdout.height
    assert {"order_id", "shop", "late", "hour", "shop_minutes", "output"} <= set(rows.columns)
    assert not [name for name in rows.columns if name.startswith("_")]
    assert rows["asked_at"].min() >= tiny.training.cutoff


def test_a_result_shows_its_figures(iris: Project) -> None:
    result = train(iris, scaled, features=NUMBERS)
    for shown in (repr(result), result._repr_html_()):
        assert "scaled (LogisticRegression)" in shown
        assert "accuracy" in shown
        assert f"{result.quality['log_loss']:.4f}" in shown
        assert f"{result.answers.baseline['log_loss']:.4f}" in shown
        assert "120 rows" in shown


def test_answers_too_good_to_be_true_are_told(tiny: Any, shop: Project) -> None:
    result = train(shop, now=tiny.now)
    assert result.suspicion is None
    perfect = result.answers.truth.cast(pl.Float64) * 0.998 + 0.001
    leaking = replace(result, answers=replace(result.answers, output=perfect))
    assert "too good to be true: the model gets 0.001" in str(leaking.suspicion)
    assert "too good to be true" in repr(leaking)
