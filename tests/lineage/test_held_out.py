"""The comparison of two versions on held-out blocks, and its sentence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.lineage.held_out import compare_pair

GAINS = st.lists(st.floats(-10, 10), min_size=1, max_size=12).map(np.array)


def test_the_better_version_comes_first() -> None:
    gains = np.array([0.1, 0.12, 0.09, 0.11, 0.1])
    pair = compare_pair(1, 2, gains=gains, alpha=0.05, block_name="day")
    assert (pair.first, pair.other, pair.blocks) == (1, 2, 5)
    assert pair.gain == pytest.approx(0.104)
    assert pair.words.startswith("version 2 is better than version 1 by 0.1040 a day (p = ")
    assert pair.words.endswith(", 5 days)")
    assert compare_pair(1, 2, gains=-gains, alpha=0.05, block_name="day").words.startswith("version 1 is better")


def test_a_difference_that_may_be_chance_is_called_that() -> None:
    pair = compare_pair(1, 2, gains=np.array([0.3]), alpha=0.05, block_name="block")
    assert pair.p_value == 1.0
    assert (
        pair.words
        == "no difference beyond chance: version 2 is better than version 1 by 0.3000 a block (p = 1, 1 block)"
    )


@given(GAINS)
def test_the_order_of_the_versions_changes_only_the_sign(gains: np.ndarray) -> None:
    pair = compare_pair(1, 2, gains=gains, alpha=0.05, block_name="day")
    swapped = compare_pair(2, 1, gains=-gains, alpha=0.05, block_name="day")
    assert 0.0 <= pair.p_value <= 1.0
    assert (pair.gain, pair.p_value) == (-swapped.gain, swapped.p_value)
    assert ("no difference" in pair.words) == (pair.p_value >= 0.05)
    assert pair.gain == 0 or pair.words == swapped.words
