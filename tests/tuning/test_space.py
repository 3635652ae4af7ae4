"""The search space: what the project's `space` returns, and an example where there is none."""

from __future__ import annotations

import pytest
from lightgbm import LGBMClassifier
from optuna.trial import FixedTrial
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from mlops_lab.errors import InvalidInput
from mlops_lab.training.pipeline import Pipeline
from mlops_lab.tuning.space import DeclaredSpace, find_space


@pytest.fixture
def pipeline(tiny):
    """Makes a pipeline of a model and a space."""
    return lambda model, space=None: Pipeline(tiny.pipeline.features, model, "hash", space)


def model(rate: float = 0.1, leaves: int = 7, *, deep: bool | None = None):
    return LGBMClassifier(learning_rate=rate, num_leaves=leaves, verbose=-1)


def test_the_result_of_space_is_passed_to_model(pipeline):
    space = find_space(pipeline(model, lambda trial: {"rate": trial.suggest_float("rate", 0, 1)}))
    assert isinstance(space, DeclaredSpace)
    drawn = space.suggest(FixedTrial({"rate": 0.25}))
    assert drawn == {"rate": 0.25}
    assert space.make(drawn).learning_rate == 0.25
    assert space.make({}).learning_rate == 0.1
    assert space.current == {"rate": 0.1, "leaves": 7, "deep": None}


def test_the_line_to_paste_keeps_what_was_not_tuned(pipeline):
    space = find_space(pipeline(model, lambda trial: {}))
    line = space.write({"rate": 0.25, "deep": True})
    assert line == "def model(rate: float = 0.25, leaves: int = 7, *, deep: bool | None = True):"
    namespace: dict[str, object] = {}
    exec(line + "\n    return rate, leaves, deep", namespace)
    assert namespace["model"]() == (0.25, 7, True)


def test_a_model_that_takes_anything(pipeline):
    space = find_space(pipeline(lambda rate=0.1, **others: LGBMClassifier(**others), lambda trial: {"max_depth": 3}))
    drawn = space.suggest(FixedTrial({}))
    assert space.make(drawn).max_depth == 3
    assert space.write(drawn) == "def model(rate=0.1, *, max_depth=3):"


BAD = {
    "raises": (lambda trial: 1 / 0, "bad_pipeline", "ZeroDivisionError"),
    "returns nothing": (lambda trial: None, "bad_space", "nothing"),
    "returns an empty one": (lambda trial: {}, "bad_space", "nothing"),
    "returns a list": (lambda trial: [0.1], "bad_space", "a list"),
    "an unknown name": (lambda trial: {"ratte": 0.1}, "bad_space", 'did you mean "rate"'),
    "an object": (lambda trial: {"rate": StandardScaler()}, "bad_space", "StandardScaler"),
    "a bad range": (lambda trial: {"rate": trial.suggest_float("rate", 2, 1)}, "bad_pipeline", ""),
}


@pytest.mark.parametrize("name", BAD)
def test_a_space_that_is_wrong_is_an_error_with_its_place(pipeline, name):
    space, code, words = BAD[name]
    with pytest.raises(InvalidInput) as caught:
        find_space(pipeline(model, space)).suggest(FixedTrial({"rate": 0.5}))
    error = caught.value.as_dict()
    assert all(error.values())
    assert error["code"] == code
    assert words in f"{error['what']} {error['hint']}"


def test_a_model_whose_parameters_have_no_defaults(pipeline):
    with pytest.raises(InvalidInput, match="rate"):
        find_space(pipeline(lambda rate: LGBMClassifier(learning_rate=rate), lambda trial: {"rate": 1}))


@pytest.mark.parametrize("other", [LogisticRegression, lambda: "model.onnx"])
def test_for_other_models_an_example_is_shown(pipeline, other):
    with pytest.raises(InvalidInput) as caught:
        find_space(pipeline(other))
    assert caught.value.code == "no_space"
    assert "def space(trial): return {" in caught.value.hint
