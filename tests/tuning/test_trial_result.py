"""The result of a trial: its loss is the mean over the folds it was tested on."""

import math

from mlops_lab.tuning.trial_result import TrialResult


def test_the_loss_is_the_mean_of_the_folds_and_not_a_number_where_there_is_none():
    assert TrialResult(1, "finished", {}, [0.2, 0.4], 1.0).loss == 0.30000000000000004
    assert math.isnan(TrialResult(2, "failed", {}, [], 1.0, "it fails").loss)
