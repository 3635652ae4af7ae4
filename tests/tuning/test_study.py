"""A study goes on after a kill as if nothing had been."""

from __future__ import annotations

import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.tuning.study import Studies, Study, TrialResult, told_faults

PRESENT = [0.5, 0.7]


def try_once(study: Study, *, losses=None, state="finished") -> dict[str, float]:
    trial = study.begin()
    drawn = {"x": trial.suggest_float("x", 0, 1), "n": trial.suggest_int("n", 1, 9)}
    found = losses or [abs(drawn["x"] - 0.3), abs(drawn["x"] - 0.3) + 0.2]
    for step in range(1, len(found) + 1):
        study.is_hopeless(trial, found[:step], present=PRESENT)
    study.end(trial, TrialResult(trial.number, state, drawn, found, 0.1))
    return drawn


def test_killed_again_and_again_it_tries_the_same(tmp_path):
    study = Studies(tmp_path / "whole.db").create("one")
    whole = [try_once(study) for _ in range(13)]
    path = tmp_path / "killed.db"
    Studies(path).create("one")
    broken = []
    while len(broken) < 13:
        study = Studies(path).open("one")
        study.drop_unfinished()
        broken += [try_once(study) for _ in range(5)][: 13 - len(broken)]
        study.begin().suggest_float("x", 0, 1)  # and here it is killed
    assert broken == whole
    assert [one.parameters for one in study.tried()][:13] == whole
    assert len({one["x"] for one in whole}) == 13


def test_what_was_under_way_is_failed_and_what_was_found_is_kept(tmp_path):
    study = Studies(tmp_path / "tune.db").create("one")
    try_once(study)
    study.begin()
    half = study.begin()  # killed between what it found and its end
    half.set_user_attr("told", {"number": 2, "state": "finished", "parameters": {}, "folds": [0.1], "seconds": 1.0})
    study.drop_unfinished()
    study = Studies(tmp_path / "tune.db").open("one")
    assert [(one.number, one.state) for one in study.tried()] == [(0, "finished"), (2, "finished")]
    states = [trial.state.name for trial in study._study.trials]
    assert states == ["COMPLETE", "FAIL", "COMPLETE"]
    assert study._study.best_value == 0.1


def test_what_is_worse_than_most_is_hopeless_but_not_on_the_first_fold_or_after_the_last(tmp_path):
    study = Studies(tmp_path / "tune.db").create("one")
    present = [0.5, 0.5, 0.5]
    for _ in range(5):
        trial = study.begin()
        for step in (1, 2, 3):
            assert not study.is_hopeless(trial, [0.4] * step, present=present)
        study.end(trial, TrialResult(trial.number, "finished", {}, [0.4] * 3, 0.1))
    trial = study.begin()
    asked = [study.is_hopeless(trial, [0.9] * step, present=present) for step in (1, 2, 3)]
    assert asked == [False, True, False]


def test_hard_folds_do_not_count_against_a_trial(tmp_path):
    """The second fold is harder for everybody: who does well on it is not stopped for its loss."""
    study = Studies(tmp_path / "tune.db").create("one")
    present = [0.1, 0.9, 0.1]
    for _ in range(5):
        trial = study.begin()
        for step in (1, 2, 3):
            study.is_hopeless(trial, [0.1, 0.9, 0.1][:step], present=present)
        study.end(trial, TrialResult(trial.number, "finished", {}, [0.1, 0.9, 0.1], 0.1))
    trial = study.begin()
    assert not any(study.is_hopeless(trial, [0.1, 0.85][:step], present=present) for step in (1, 2))


def test_importances_need_some_trials(tmp_path):
    study = Studies(tmp_path / "tune.db").create("one")
    for _ in range(9):
        try_once(study)
    assert study.importances() == {}
    try_once(study)
    shares = study.importances()
    assert shares.keys() == {"x", "n"}
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["x"] > shares["n"]


def test_a_damaged_file_is_told(tmp_path):
    path = tmp_path / "tune.db"
    path.write_bytes(b"no database" * 200)
    with pytest.raises(EnvironmentFault) as caught, told_faults(path):
        Studies(path)
    assert caught.value.code == "study_fault"
    assert caught.value.where == str(path)
