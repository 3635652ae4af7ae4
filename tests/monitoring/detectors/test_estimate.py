"""What answers expect of themselves: beside all pairs counted one by one, and beside truth drawn from them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.monitoring.detectors.base import Seen
from mlops_lab.monitoring.detectors.estimate import estimate, expected_auc, measure_error, measure_estimate
from mlops_lab.monitoring.window import Window
from mlops_lab.tasks.binary import Binary
from mlops_lab.tasks.regression import Regression

DAY = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=1))


def seen(truth: np.ndarray, output: np.ndarray) -> Seen:
    return Seen(DAY, Binary(), pl.DataFrame(), pl.DataFrame({"truth": truth.astype(float), "output": output}))


@given(st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]), min_size=2, max_size=12))
def test_the_expected_auc_is_that_of_all_pairs(chances: list[float]):
    pairs = [
        (p * (1 - q), (p > q) + 0.5 * (p == q))
        for one, p in enumerate(chances)
        for other, q in enumerate(chances)
        if one != other
    ]
    total = sum(weight for weight, _ in pairs)
    found = expected_auc(np.array(chances))
    if total < 1e-12:
        assert found is None or total > 0
    else:
        assert found == pytest.approx(sum(weight * win for weight, win in pairs) / total)


def test_where_the_probabilities_are_right_the_error_is_small_and_else_it_shows():
    rng = np.random.default_rng(1)
    chance = rng.beta(1, 3, 50_000)
    truth = rng.random(len(chance)) < chance
    assert dict(measure_error(seen(truth, chance))) == pytest.approx({"log_loss": 0, "auc": 0}, abs=0.01)
    sure = chance**2 / (chance**2 + (1 - chance) ** 2)
    errors = dict(measure_error(seen(truth, sure)))
    assert errors["log_loss"] < -0.05
    assert errors["auc"] > 0.05


def test_the_estimate_needs_no_outcomes_and_numbers_have_none():
    answered = pl.DataFrame({"output": [0.2, 0.8, None]})
    found = dict(measure_estimate(Seen(DAY, Binary(), answered, pl.DataFrame())))
    assert found == estimate(Binary(), pl.Series([0.2, 0.8]))
    assert measure_estimate(Seen(DAY, Binary(), pl.DataFrame(), pl.DataFrame())) == []
    assert measure_estimate(Seen(DAY, Regression(), answered, pl.DataFrame())) == []
    assert measure_estimate(Seen(DAY, Binary(), pl.DataFrame({"output": [2.0]}), pl.DataFrame())) == []
    assert measure_error(Seen(DAY, Binary(), pl.DataFrame(), pl.DataFrame())) == []
