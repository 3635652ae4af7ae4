"""The place where models are fitted: this process does what it is asked for, and no more."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from lightgbm import LGBMRegressor
from small_data import make_training_set

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.features.definition import Features
from mlops_lab.project.sections import TrainingSection
from mlops_lab.training.fit import to_answers
from mlops_lab.training.pipeline import Pipeline
from mlops_lab.training.place import HERE, fit_at_place, open_place

HERE_SETTINGS, ON_RAY = TrainingSection(), TrainingSection(on="ray", ray_address="127.0.0.1:1")


def make(model: object) -> Pipeline:
    return Pipeline(Features(make_training_set("regression").inputs.columns), lambda: model, "")


def test_here_does_what_is_asked_for_and_no_more() -> None:
    done: list[int] = []
    results = HERE.map(lambda pipeline, number: done.append(number) or number, make(None), [(1,), (2,), (3,)])
    assert (next(results), next(results), done) == (1, 2, [1, 2])
    results.close()
    assert done == [1, 2]
    assert HERE.share(done) is done


def test_a_model_is_fitted_here() -> None:
    data = make_training_set("regression")
    with open_place(HERE_SETTINGS) as place:
        assert place is HERE
    fitted = fit_at_place(HERE_SETTINGS, make(LGBMRegressor(n_estimators=3, verbose=-1)), data)
    assert fitted.environment is None
    assert to_answers(fitted, data.inputs).n_unique() > 3


def test_what_needs_no_training_needs_no_cluster(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:  # of the file, and not of the cluster
        fit_at_place(ON_RAY, make(tmp_path / "gone.onnx"), make_training_set("regression"))
    assert "gone.onnx" in str(caught.value)


def test_without_ray_an_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EnvironmentFault) as caught:
        fit_at_place(ON_RAY, make(LGBMRegressor()), make_training_set("regression"))
    assert (caught.value.code, caught.value.hint) == ("missing_extra", "pip install 'mlops-lab[ray]'")
