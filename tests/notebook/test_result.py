"""What a trained result offers and displays."""

from typing import Any

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
