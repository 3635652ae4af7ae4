"""OneHotEncoder in ONNX: what scikit-learn computes, with rare categories in one group too."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from mlops_lab.registry.frames import to_pandas
from mlops_lab.training.convert import to_onnx

PLACES = pl.DataFrame(
    {
        "place": ["a"] * 12 + ["b"] * 12 + ["rare", "seldom", None],
        "size": ["s", "m", "l"] * 8 + ["s", "xl", "xxl"],
        "kind": ["x", "y", "z"] * 9,
    }
)
ASKED = PLACES.vstack(pl.DataFrame({"place": ["never"], "size": ["never"], "kind": ["never"]}))


@pytest.mark.parametrize("names", [["place"], ["place", "size", "kind"], ["kind"]])
@pytest.mark.parametrize(
    "options",
    [
        {"handle_unknown": "ignore", "min_frequency": 5},
        {"handle_unknown": "ignore", "max_categories": 2},
        {"handle_unknown": "infrequent_if_exist", "min_frequency": 5},
        {"handle_unknown": "ignore", "min_frequency": 5, "dtype": np.int64},
        {"handle_unknown": "ignore"},
    ],
    ids=str,
)
def test_rare_and_unknown_categories_are_what_scikit_learn_makes_of_them(
    names: list[str], options: dict[str, Any]
) -> None:
    columns = make_column_transformer((OneHotEncoder(sparse_output=False, **options), names))
    model = make_pipeline(columns, LinearRegression())
    inputs = PLACES.select(names)
    model.fit(to_pandas(inputs), np.random.default_rng(0).normal(size=inputs.height))
    assert ask_onnx(to_onnx(model, inputs), ASKED.select(names)) == pytest.approx(
        model.predict(to_pandas(ASKED.select(names))), abs=1e-5
    )


def ask_onnx(graph: bytes, rows: pl.DataFrame) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(graph)
    fed = {name: rows[name].fill_null("").to_numpy().astype(object).reshape(-1, 1) for name in rows.columns}
    return session.run(None, fed)[0].ravel()
