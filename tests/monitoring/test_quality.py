"""Log loss and AUC against scikit-learn's, and against what they are by definition."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import roc_auc_score

from mlops_lab.monitoring.quality import CLIP, log_loss, roc_auc

# Few distinct probabilities make many ties; any float makes few.
probabilities = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.floats(0.0, 1.0))
rows = st.lists(st.tuples(st.integers(0, 1), probabilities), min_size=1, max_size=60)


def columns(answers: list[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [truth for truth, _ in answers], [probability for _, probability in answers]


@given(rows)
def test_log_loss_is_that_of_sklearn(answers):
    truth, probability = columns(answers)
    clipped = np.clip(probability, 1e-9, 1 - 1e-9)  # sklearn clips elsewhere: compare where neither does
    assert log_loss(truth, clipped) == pytest.approx(sklearn_log_loss(truth, clipped, labels=[0, 1]), abs=1e-9)


@given(rows)
def test_auc_is_that_of_sklearn(answers):
    truth, probability = columns(answers)
    assume(0 < sum(truth) < len(truth))
    assert roc_auc(truth, probability) == pytest.approx(roc_auc_score(truth, probability), abs=1e-12)


@given(rows)
def test_auc_is_the_share_of_pairs_won(answers):
    truth, probability = columns(answers)
    assume(0 < sum(truth) < len(truth))
    positives = [p for y, p in answers if y]
    negatives = [p for y, p in answers if not y]
    won = sum((a > b) + (a == b) / 2 for a, b in product(positives, negatives))
    assert roc_auc(truth, probability) == pytest.approx(won / (len(positives) * len(negatives)), abs=1e-12)


@given(rows)
def test_auc_turns_over_when_the_classes_are_swapped(answers):
    truth, probability = columns(answers)
    assume(0 < sum(truth) < len(truth))
    swapped = roc_auc([1 - y for y in truth], probability)
    assert roc_auc(truth, probability) == pytest.approx(1 - swapped, abs=1e-12)


def test_known_values():
    assert log_loss([0, 1], [0.5, 0.5]) == pytest.approx(math.log(2))
    assert log_loss(np.array([True, False]), [1.0, 0.0]) == pytest.approx(0.0, abs=1e-14)
    assert roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) == 0.75
    assert roc_auc([0, 1], [0.3, 0.3]) == 0.5


def test_certain_and_wrong_costs_a_finite_amount():
    assert log_loss([1], [0.0]) == pytest.approx(-math.log(CLIP))
    assert log_loss([0], [1.0]) == pytest.approx(-math.log(CLIP), rel=1e-2)


@pytest.mark.parametrize("truth", [[], [0, 0], [1, 1, 1]])
def test_auc_of_one_class_is_not_defined(truth):
    assert roc_auc(truth, [0.5] * len(truth)) is None


@pytest.mark.parametrize(
    ("truth", "probability", "message"),
    [
        ([0, 1], [0.5], "one length"),
        ([[0, 1]], [[0.5, 0.5]], "two columns"),
        ([0, 2], [0.5, 0.5], "truth must be 0 or 1"),
        ([0, math.nan], [0.5, 0.5], "truth must be 0 or 1"),
        ([0, 1], [0.5, 1.5], "between 0 and 1"),
        ([0, 1], [0.5, math.nan], "between 0 and 1"),
    ],
)
@pytest.mark.parametrize("metric", [log_loss, roc_auc])
def test_input_without_a_meaning_is_refused(metric, truth, probability, message):
    with pytest.raises(ValueError, match=message):
        metric(truth, probability)


def test_log_loss_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no rows"):
        log_loss([], [])
