"""The loss above what the answers expect: beside the formulas written a second time, and on a world that is harder."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import entropy

from mlops_lab.monitoring.detectors.base import Seen
from mlops_lab.monitoring.detectors.excess_loss import expected_losses, measure_excess
from mlops_lab.monitoring.detectors.skill import measure_skill
from mlops_lab.monitoring.window import Window
from mlops_lab.tasks.base import LISTS
from mlops_lab.tasks.binary import Binary
from mlops_lab.tasks.multiclass import Multiclass
from mlops_lab.tasks.regression import Regression

DAY = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=1))


def seen(truth: np.ndarray, output: np.ndarray) -> Seen:
    joined = pl.DataFrame({"truth": truth.astype(float), "output": output})
    return Seen(DAY, Binary(), pl.DataFrame(), joined)


def test_what_answers_expect_is_their_entropy():
    chances = np.array([0.0, 0.1, 0.5, 0.97, 1.0])
    expected = [entropy([chance, 1 - chance]) for chance in chances]
    assert expected_losses(Binary(), pl.Series(chances)).to_list() == pytest.approx(expected, abs=1e-12)
    shares = [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]
    found = expected_losses(Multiclass(("a", "b", "c")), pl.Series(shares, dtype=LISTS))
    assert found.to_list() == pytest.approx([entropy(row) for row in shares], abs=1e-12)


def test_a_hard_day_is_no_excess_and_answers_that_are_wrong_are():
    rng = np.random.default_rng(1)
    easy, hard = rng.beta(0.2, 0.2, 40_000), rng.uniform(0.4, 0.6, 40_000)
    losses = []
    for chance in (easy, hard):
        ((name, value),) = measure_excess(seen(rng.random(len(chance)) < chance, chance))
        assert name == "log_loss"
        losses.append(value)
    assert losses == pytest.approx([0, 0], abs=0.01)
    ((_, value),) = measure_excess(seen(rng.random(len(easy)) < easy, np.clip(easy + 0.3, 0, 0.999)))
    assert value is not None
    assert value > 0.1


def test_skill_is_what_answers_know_beyond_the_rate_of_the_day():
    truth, output = np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.7, 0.2, 0.1, 0.4])
    ((name, value),) = measure_skill(seen(truth, output))
    losses = -np.log(np.where(truth > 0, output, 1 - output))
    assert name == "log_loss"
    assert value == pytest.approx(entropy([0.25, 0.75]) - losses.mean())
    ((_, nothing),) = measure_skill(seen(truth, np.full(4, 0.25)))
    assert nothing == pytest.approx(0)


def test_numbers_promise_no_loss():
    joined = pl.DataFrame({"truth": [1.0, 2.0], "output": [1.0, 3.0]})
    for measure in (measure_excess, measure_skill):
        assert measure(Seen(DAY, Regression(), pl.DataFrame(), joined)) == []
        assert measure(Seen(DAY, Binary(), pl.DataFrame(), joined.head(0))) == []
