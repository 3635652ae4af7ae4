"""A foreign model answers as it did where it was trained, and is refused where it does not fit the project."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import lightgbm
import numpy as np
import pytest
from foreign_models import save_booster, to_frame, train_booster

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.trust import Trust
from mlops_lab.training.fit import TrainedElsewhere, make_estimator, to_answers
from mlops_lab.training.foreign.fitted import ForeignModel, _find_outputs
from mlops_lab.training.foreign.mlmodel import ForeignFile, read_foreign
from mlops_lab.training.packaging import package

if TYPE_CHECKING:
    from conftest import Tiny


@pytest.fixture(scope="module")
def booster(tiny: Tiny) -> lightgbm.LGBMClassifier:
    return train_booster(tiny.training)


def take(file: ForeignFile, tiny: Tiny) -> ForeignModel:
    model = ForeignModel(file, Trust())
    assert make_estimator(replace(tiny.pipeline, model=lambda: model)) is model
    assert isinstance(model, TrainedElsewhere)
    return model


@pytest.mark.parametrize("form", ["LightGBM's text", "skops"])
def test_its_answers_are_those_of_where_it_was_trained(
    tiny: Tiny, booster: lightgbm.LGBMClassifier, form: str, tmp_path: Path
) -> None:
    folder = save_booster(booster if form == "skops" else booster.booster_, tmp_path / "model")
    fitted = take(read_foreign(folder), tiny).fitted_for(tiny.training)
    wanted = booster.predict_proba(to_frame(tiny.training.inputs))[:, 1]
    assert np.array_equal(to_answers(fitted, tiny.training.inputs).to_numpy(), wanted)
    assert fitted.categories == {"shop": ["c", "a", "b"]}
    assert fitted.parameters["estimator"] == "lightgbm.Booster"
    packaged = package(fitted, replace_plan(tiny, fitted.categories), tiny.training.inputs)
    assert packaged.plan.engine == "forest", "it is served as fast as one that was trained here"
    assert packaged.agreement.differing == 0


def replace_plan(tiny: Tiny, categories: dict[str, list[str]]):
    import msgspec

    return msgspec.structs.replace(tiny.plan, categories=categories)


def native(booster: lightgbm.Booster, *, inputs: tuple[str, ...] = ()) -> ForeignFile:
    return ForeignFile("lightgbm", "model.lgb", booster.model_to_string().encode(), inputs)


def refuse(file: ForeignFile, tiny: Tiny) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        take(file, tiny).fitted_for(tiny.training)
    assert caught.value.hint
    return caught.value


def test_inputs_in_another_order(tiny: Tiny, booster: lightgbm.LGBMClassifier) -> None:
    names = tuple(reversed(tiny.training.inputs.columns))
    error = refuse(native(booster.booster_, inputs=names), tiny)
    assert error.code == "other_inputs"
    assert ", ".join(names) in error.what


def test_inputs_that_it_lacks(tiny: Tiny) -> None:
    frame = to_frame(tiny.training.inputs).drop(columns="hour")
    fitted = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(frame, tiny.training.truth.to_numpy().astype(int))
    assert refuse(native(fitted.booster_), tiny).code == "other_inputs"


def test_text_that_was_numbers_where_it_was_trained(tiny: Tiny) -> None:
    frame = to_frame(tiny.training.inputs)
    frame["shop"] = frame["shop"].cat.codes
    fitted = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(frame, tiny.training.truth.to_numpy().astype(int))
    error = refuse(native(fitted.booster_), tiny)
    assert "0 categorical inputs, and the project 1 of text: shop" in error.what


def test_labels_that_are_not_no_and_yes(tiny: Tiny, tmp_path: Path) -> None:
    labels = np.where(tiny.training.truth.to_numpy() > 0, "late", "on time")
    folder = save_booster(train_booster(tiny.training, labels=labels), tmp_path / "model")
    error = refuse(read_foreign(folder), tiny)
    assert error.code == "other_classes"
    assert "late, on time" in error.what


def test_three_classes_for_a_question_of_two(tiny: Tiny) -> None:
    fitted = train_booster(tiny.training, labels=np.arange(tiny.training.inputs.height) % 3)
    assert refuse(native(fitted.booster_), tiny).code == "other_classes"


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [(["b", "a"], [1, 0]), ([0, 1, 2], [0, 1, 2]), (None, [0, 1, 2]), (np.array(["c"]), [2])],
)
def test_classes_by_name_or_by_place(labels: object, wanted: list[int]) -> None:
    assert _find_outputs(["a", "b", "c"], labels, count=3) == wanted


def test_other_classes() -> None:
    with pytest.raises(InvalidInput, match="knows the classes x, a; the project has a, b"):
        _find_outputs(["a", "b"], ["x", "a"], count=2)
    assert _find_outputs([], [0, 1], count=2) == []
