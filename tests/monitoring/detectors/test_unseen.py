"""The share of texts that training did not have."""

import polars as pl
import pytest

from mlops_lab.monitoring.detectors.unseen import unseen_share
from mlops_lab.monitoring.profile import MAX_CATEGORIES, make_profiles


def share(trained: list[object], seen: list[object]) -> float:
    profile = make_profiles(pl.DataFrame({"x": trained}))["x"]
    return unseen_share(profile, pl.Series("x", seen, dtype=pl.Series(trained).dtype))


def test_texts_that_were_not_in_training_count():
    assert share(["a", "b"], ["a", "c", "c", None]) == 0.5
    assert share(["a", "b"], ["b", None]) == 0
    assert share([None, "b"], ["Mars"]) == 1


def test_of_many_categories_only_what_is_more_than_in_training_counts():
    many = [str(number) for number in range(2 * MAX_CATEGORIES)]
    assert share(many, many) == 0
    assert share(many, [*many, *many, "new"] + ["new"] * 99) == pytest.approx(0.5 * 2 / 3 + 1 / 3 - 0.5)


def test_numbers_have_none():
    assert share([1.0, 2.0], [900.0]) == 0
