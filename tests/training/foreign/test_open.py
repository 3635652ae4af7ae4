"""The estimators in files of foreign models: what is refused, and what is in them."""

from __future__ import annotations

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.trust import Trust
from mlops_lab.training.foreign.mlmodel import ForeignFile
from mlops_lab.training.foreign.open import open_foreign

X, Y = np.random.default_rng(1).normal(size=(80, 3)), np.arange(80) % 2


def test_a_skops_file_of_scikit_learn() -> None:
    fitted = LogisticRegression().fit(X, Y)
    file = ForeignFile("sklearn", "model.skops", skops.io.dumps(fitted))
    opened = open_foreign(file, task="binary", trust=Trust())
    assert np.array_equal(opened.predict_proba(X), fitted.predict_proba(X))


def test_types_that_the_project_does_not_trust() -> None:
    content = skops.io.dumps(FunctionTransformer(np.gradient))
    file = ForeignFile("sklearn", "model.skops", content)
    (name,) = skops.io.get_untrusted_types(data=content)
    with pytest.raises(InvalidInput, match=name) as caught:
        open_foreign(file, task="binary", trust=Trust())
    assert caught.value.code == "untrusted_types"
    assert f'trusted_types = ["{name}"]' in str(caught.value.hint)
    assert open_foreign(file, task="binary", trust=Trust(types=(name,))).func is np.gradient


@pytest.mark.parametrize("kind", ["XGBClassifier", "booster"])
@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_xgboost_in_its_own_formats(kind: str, suffix: str) -> None:
    xgboost = pytest.importorskip("xgboost")
    fitted = xgboost.XGBClassifier(n_estimators=3).fit(X, Y)
    file = ForeignFile("xgboost", f"model.{suffix}", bytes(fitted.get_booster().save_raw(suffix)))
    opened = open_foreign(file, task="binary", trust=Trust())
    assert np.array_equal(opened.predict_proba(X), fitted.predict_proba(X))


@pytest.mark.parametrize(
    ("flavor", "name"), [("lightgbm", "model.lgb"), ("xgboost", "model.json"), ("sklearn", "m.skops")]
)
def test_a_damaged_file(flavor: str, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_foreign(ForeignFile(flavor, name, b"not a model"), task="binary", trust=Trust())
    assert (caught.value.code, caught.value.where) == ("damaged_model", name)
