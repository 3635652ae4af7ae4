"""From outputs of an engine to answers: every class at its index, and probabilities between 0 and 1."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.registry.outputs import OutputMapping


@dataclass
class Description:
    task: str = "binary"
    classes: list[str] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)


BINARY, REGRESSION = OutputMapping(Description()), OutputMapping(Description("regression"))
CLASSES = list("abcd")
MULTICLASS = OutputMapping(Description("multiclass", CLASSES, [3, 1]))
NUMBERS = st.floats(-0.5, 1.5)


def test_of_two_probabilities_the_answer_is_the_second():
    assert BINARY.of_row([0.25, 0.75]) == 0.75
    assert BINARY.of_rows(np.array([[0.25, 0.75], [0.5, 0.5]])).tolist() == [0.75, 0.5]


def test_a_probability_a_little_too_large_or_small_is_clipped_and_a_number_is_not():
    outputs = np.array([1.0000001, -0.0000001, 0.5])
    assert BINARY.of_rows(outputs).tolist() == [1.0, 0.0, 0.5]
    assert REGRESSION.of_rows(np.array([7.0, -3.0])).tolist() == [7.0, -3.0]
    assert REGRESSION.of_row(7.0) == 7.0


def test_every_class_is_at_its_index_and_one_that_was_never_learned_is_0():
    assert MULTICLASS.of_row([0.9, 0.1]) == [0.0, 0.1, 0.0, 0.9]
    assert MULTICLASS.of_rows(np.array([[0.9, 0.1]])).tolist() == [[0.0, 0.1, 0.0, 0.9]]


def test_where_two_classes_are_known_one_number_is_the_probability_of_the_second():
    assert MULTICLASS.of_row(0.25) == [0.0, 0.25, 0.0, 0.75]
    assert MULTICLASS.of_rows(np.array([0.25])).tolist() == [[0.0, 0.25, 0.0, 0.75]]


def test_other_outputs_than_the_plan_says_are_an_error():
    with pytest.raises(ValueError, match="zip"):
        MULTICLASS.of_row([0.2, 0.3, 0.5])


@pytest.mark.parametrize("mapping", [BINARY, REGRESSION, MULTICLASS], ids=["binary", "regression", "multiclass"])
@pytest.mark.parametrize("width", [0, 2])
@given(data=st.data())
def test_a_row_and_many_rows_are_mapped_alike(mapping, width, data):
    row = st.lists(NUMBERS, min_size=2, max_size=2) if width else NUMBERS
    outputs = data.draw(st.lists(row, min_size=1, max_size=5))
    expected = mapping.of_rows(np.array(outputs))
    assert np.array([mapping.of_row(output) for output in outputs]).tolist() == expected.tolist()
    if mapping is not REGRESSION:
        assert ((expected >= 0) & (expected <= 1)).all()
