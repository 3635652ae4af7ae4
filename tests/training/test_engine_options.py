"""Which engines may serve a model: the fastest first, and a runner only where the project allows it."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from xgboost import XGBClassifier

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.trust import Trust
from mlops_lab.training.engine_options import ENGINE_OPTIONS, TrainedModel, find_engine_options

INPUTS = pl.DataFrame({"price": np.arange(40.0)})
TRUTH = (np.arange(40) > 20).astype(int)
RUNNER = Trust(runner=True)


def write(engine: str, model: TrainedModel) -> bytes:
    return next(option for option in ENGINE_OPTIONS if option.engine == engine).write(model)


@pytest.mark.parametrize(
    ("estimator", "without_runner", "with_runner"),
    [
        (LGBMClassifier(), ["forest", "lightgbm", "onnx"], []),
        (XGBClassifier(), ["onnx"], ["xgboost", "skops"]),
        (CatBoostClassifier(), ["onnx"], ["skops"]),
        (LogisticRegression(), ["onnx"], ["skops"]),
        (make_pipeline(StandardScaler(), LGBMClassifier()), ["onnx"], ["skops"]),
        (Path("net.onnx"), ["onnx"], []),
    ],
    ids=["LightGBM", "XGBoost", "CatBoost", "scikit-learn", "pipeline", "file"],
)
def test_the_engines_for_a_model_the_fastest_first(estimator, without_runner, with_runner):
    plain, trusting = (TrainedModel(estimator, INPUTS, trust=trust) for trust in (Trust(), RUNNER))
    assert [option.engine for option in find_engine_options(plain)] == without_runner
    assert [option.engine for option in find_engine_options(trusting)] == without_runner + with_runner


def test_the_file_of_a_model_that_was_exported_is_copied(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"a graph")
    assert write("onnx", TrainedModel(tmp_path / "net.onnx", INPUTS)) == b"a graph"


def test_lightgbms_text_is_made_once_for_both_engines():
    estimator = LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1).fit(INPUTS.to_numpy(), TRUTH)
    model = TrainedModel(estimator, INPUTS)
    text = write("lightgbm", model)
    assert text.decode() == estimator.booster_.model_to_string()
    assert model.lightgbm_text is model.lightgbm_text


def double(values):
    return values * 2


def test_types_that_the_project_does_not_trust_are_named_with_the_line_to_write():
    estimator = make_pipeline(FunctionTransformer(double), LogisticRegression()).fit(INPUTS.to_numpy(), TRUTH)
    with pytest.raises(InvalidInput) as caught:
        write("skops", TrainedModel(estimator, INPUTS, trust=Trust(True, ("numpy.dtype",))))
    assert caught.value.code == "untrusted_types"
    assert f"{__name__}.double" in caught.value.what
    assert f'trusted_types = ["numpy.dtype", "{__name__}.double"]' in caught.value.hint
    trusting = Trust(True, ("numpy.dtype", f"{__name__}.double"))
    assert write("skops", TrainedModel(estimator, INPUTS, trust=trusting))


def test_what_skops_cannot_write_is_an_error_with_a_hint():
    estimator = make_pipeline(FunctionTransformer(lambda values: values), LogisticRegression())
    estimator.fit(INPUTS.to_numpy(), TRUTH)
    with pytest.raises(InvalidInput) as caught:
        write("skops", TrainedModel(estimator, INPUTS, trust=RUNNER))
    assert caught.value.hint
