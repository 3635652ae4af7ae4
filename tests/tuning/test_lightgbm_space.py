"""The default search space of LightGBM: the parameters that matter most, wherever the estimator is."""

from __future__ import annotations

import pytest
from lightgbm import LGBMClassifier
from optuna.trial import FixedTrial
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlops_lab.training.pipeline import Pipeline
from mlops_lab.tuning.lightgbm_space import _OTHER_NAMES, RANGES, SWITCHES, LightgbmSpace, find_lightgbm
from mlops_lab.tuning.space import find_space

MIDDLE = FixedTrial(
    {name: 100 if isinstance(low, int) else 0.71234 for name, (low, _) in RANGES.items()}
    | {"learning_rate": 0.12345, "extra_trees": True}
)
NAMES = {*RANGES, *SWITCHES}


@pytest.fixture
def pipeline(tiny):
    """Makes a pipeline of a function that returns an estimator."""
    return lambda model: Pipeline(tiny.pipeline.features, model, "hash", None)


def small(**parameters):
    return LGBMClassifier(n_estimators=20, random_state=1, verbose=-1, **parameters)


def test_the_default_space_sets_what_matters_and_keeps_the_rest(pipeline):
    space = find_space(pipeline(small))
    assert isinstance(space, LightgbmSpace)
    drawn = space.suggest(MIDDLE)
    assert drawn.keys() == NAMES
    assert drawn["colsample_bytree"] == 0.712
    made = space.make(drawn).get_params()
    assert made.items() >= drawn.items()
    assert (made["random_state"], made["verbose"]) == (1, -1)
    assert space.current["n_estimators"] == 20


def test_split_points_drawn_at_random_can_be_left_and_tried(pipeline):
    off = FixedTrial({**MIDDLE.params, "extra_trees": False})
    space = find_space(pipeline(lambda: small(extra_trees=True)))
    assert space.current["extra_trees"] is True
    assert space.make(space.suggest(off)).get_params()["extra_trees"] is False
    assert "extra_trees=False" in space.write(space.suggest(off))
    assert find_space(pipeline(small)).current["extra_trees"] is False


def test_its_line_makes_the_very_estimator(pipeline):
    space = find_space(pipeline(lambda: small(max_bin=63, objective="binary")))
    drawn = space.suggest(MIDDLE)
    line = space.write(drawn).strip()
    assert all(len(row) <= 120 for row in line.splitlines())
    made = eval(line.removeprefix("return "), {"LGBMClassifier": LGBMClassifier})
    assert made.get_params() == space.make(drawn).get_params()


def test_lightgbm_inside_a_pipeline(pipeline):
    space = find_space(pipeline(lambda: make_pipeline(StandardScaler(), small())))
    drawn = space.suggest(MIDDLE)
    assert space.make(drawn).named_steps["lgbmclassifier"].num_leaves == 100
    assert space.current["lgbmclassifier__n_estimators"] == 20
    assert "lgbmclassifier__num_leaves=100" in space.write(drawn)


def test_what_is_set_by_another_name_is_left_alone(pipeline):
    space = find_space(pipeline(lambda: small(lambda_l2=3.0, eta=0.5)))
    assert space.suggest(MIDDLE).keys() == NAMES - {"reg_lambda", "learning_rate"}


def test_where_lightgbm_is_and_which_parameters_can_be_tuned():
    assert find_lightgbm(small()) == ("", (*RANGES, *SWITCHES))
    assert find_lightgbm(make_pipeline(StandardScaler(), small())) == ("lgbmclassifier__", (*RANGES, *SWITCHES))
    assert find_lightgbm(StandardScaler()) is None


def test_every_range_has_the_other_names_of_its_parameter():
    assert _OTHER_NAMES.keys() == NAMES
    assert all(low < high for low, high in RANGES.values())
    plain = LGBMClassifier().get_params()
    assert RANGES.keys() <= plain.keys()
    assert not {other for names in _OTHER_NAMES.values() for other in names} & plain.keys()
