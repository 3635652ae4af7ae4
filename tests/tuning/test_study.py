"""A study continues after a kill as if nothing had happened."""

from __future__ import annotations

import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.tuning.study import Studies, Study, study_faults
from mlops_lab.tuning.trial_result import TrialResult

CURRENT = [0.5, 0.7]


def try_once(study: Study, *, losses=None, state="finished") -> dict[str, float]:
    trial = study.begin_trial()
    drawn = {"x": trial.suggest_float("x", 0, 1), "n": trial.suggest_int("n", 1, 9)}
    folds = losses or [abs(drawn["x"] - 0.3), abs(drawn["x"] - 0.3) + 0.2]
    for step in range(1, len(folds) + 1):
        study.should_prune(trial, folds[:step], current=CURRENT)
    study.end_trial(trial, TrialResult(trial.number, state, drawn, folds, 0.1))
    return drawn


def test_killed_again_and_again_it_draws_the_same_parameters(tmp_path):
    study = Studies(tmp_path / "whole.db").create("one")
    whole = [try_once(study) for _ in range(13)]
    path = tmp_path / "killed.db"
    Studies(path).create("one")
    broken = []
    while len(broken) < 13:
        study = Studies(path).open("one")
        study.drop_unfinished()
        broken += [try_once(study) for _ in range(5)][: 13 - len(broken)]
        study.begin_trial().suggest_float("x", 0, 1)  # and here it is killed
    assert broken == whole
    assert [result.parameters for result in study.results()][:13] == whole
    assert len({drawn["x"] for drawn in whole}) == 13


def test_unfinished_trials_are_failed_and_saved_results_are_kept(tmp_path):
    study = Studies(tmp_path / "tune.db").create("one")
    try_once(study)
    study.begin_trial()
    half = study.begin_trial()  # killed after its result was saved, before its end
    half.set_user_attr("told", {"number": 2, "state": "finished", "parameters": {}, "folds": [0.1], "seconds": 1.0})
    study.drop_unfinished()
    study = Studies(tmp_path / "tune.db").open("one")
    assert [(result.number, result.state) for result in study.results()] == [(0, "finished"), (2, "finished")]
    states = [trial.state.name for trial in study._study.trials]
    assert states == ["COMPLETE", "FAIL", "COMPLETE"]
    assert study._study.best_value == 0.1


def test_a_trial_worse_than_most_is_pruned_but_not_on_the_first_fold_or_after_the_last(tmp_path):
    study = Studies(tmp_path / "tune.db").create("one")
    current = [0.5, 0.5, 0.5]
    for _ in range(5):
        trial = study.begin_trial()
        for step in (1, 2, 3):
            assert not study.should_prune(trial, [0.4] * step, current=current)
        study.end_trial(trial, TrialResult(trial.number, "finished", {}, [0.4] * 3, 0.1))
    trial = study.begin_trial()
    pruned = [study.should_prune(trial, [0.9] * step, current=current) for step in (1, 2, 3)]
    assert pruned == [False, True, False]


def test_hard_folds_do_not_count_against_a_trial(tmp_path):
    """The second fold is harder for every trial: one that does well on it is not pruned for its loss."""
    study = Studies(tmp_path / "tune.db").create("one")
    current = [0.1, 0.9, 0.1]
    for _ in range(5):
        trial = study.begin_trial()
        for step in (1, 2, 3):
            study.should_prune(trial, [0.1, 0.9, 0.1][:step], current=current)
        study.end_trial(trial, TrialResult(trial.number, "finished", {}, [0.1, 0.9, 0.1], 0.1))
    trial = study.begin_trial()
    assert not any(study.should_prune(trial, [0.1, 0.85][:step], current=current) for step in (1, 2))


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


def test_a_damaged_file_is_an_error(tmp_path):
    path = tmp_path / "tune.db"
    path.write_bytes(b"no database" * 200)
    with pytest.raises(EnvironmentFault) as caught, study_faults(path):
        Studies(path)
    assert caught.value.code == "study_fault"
    assert caught.value.where == str(path)


def test_trials_that_are_drawn_together_differ(tmp_path):
    study = Studies(tmp_path / "tune.db").create("one")
    drawn = {study.begin_trial(ahead=number).suggest_float("x", 0, 1) for number in range(4)}
    assert len(drawn) == 4
