"""The report of how engines agree with the model: distances, parts, and reports of every format."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.registry.package import AGREEMENT_FILE
from mlops_lab.training.agreement import AgreementPart, add_up, difference, distances, read_agreement


def test_a_report_of_the_first_format_is_read(tmp_path):
    old = {"format": 1, "engine": "onnx", "rows": 21_000, "differing": 3, "largest": 0.2, "tolerance": 1e-5}
    (tmp_path / AGREEMENT_FILE).write_bytes(msgspec.json.encode(old))
    agreement = read_agreement(tmp_path)
    assert (agreement.format, agreement.engine, agreement.differing) == (1, "onnx", 3)
    assert agreement.taken is None


def test_an_answer_that_is_no_number_differs_and_can_be_written_down():
    expected = np.array([[0.5, 0.5], [0.1, 0.9], [0.2, 0.8]])
    given = np.array([[0.5, 0.5], [np.nan, 0.9], [0.2, 0.7]])
    assert distances(expected, given, scale=1.0) == pytest.approx([0.0, np.inf, 0.1])
    whole = add_up([AgreementPart(rows=3, differing=2, largest=None), AgreementPart(rows=5, differing=1, largest=0.3)])
    assert whole == AgreementPart(rows=8, differing=3, largest=None)
    assert msgspec.json.decode(msgspec.json.encode(whole), type=AgreementPart) == whole
    assert add_up([]) == AgreementPart(rows=0, differing=0, largest=0.0)


def test_far_apart_is_in_units_of_the_scale_or_of_the_answer():
    assert distances(np.array([1000.0, 0.0]), np.array([1001.0, 1.0]), scale=10.0) == pytest.approx([0.001, 0.1])


def test_the_distance_of_a_row_is_that_of_its_worst_output():
    expected = np.array([[0.5, 0.5], [0.2, 0.8]])
    assert distances(expected, np.array([[0.5, 0.6], [0.5, 1.0]]), scale=1.0) == pytest.approx([0.1, 0.3])
    assert distances(np.empty((0, 2)), np.empty((0, 2)), scale=1.0).shape == (0,)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20))
def test_equal_answers_have_no_distance(values):
    answers = np.array(values)
    assert distances(answers, answers.copy(), scale=1.0).tolist() == [0.0] * len(values)


@given(st.lists(st.floats(0, 2) | st.just(np.inf), max_size=20), st.integers(0, 20), st.floats(0, 2))
def test_parts_add_up_to_what_all_rows_together_are(values, at, tolerance):
    apart = np.array(values)
    parts = [difference(apart[:at], tolerance=tolerance), difference(apart[at:], tolerance=tolerance)]
    assert add_up(parts) == difference(apart, tolerance=tolerance)


def test_rows_differ_where_they_are_further_apart_than_the_tolerance():
    part = difference(np.array([0.0, 0.1, 0.2]), tolerance=0.1)
    assert part == AgreementPart(rows=3, differing=1, largest=0.2)
    assert difference(np.array([]), tolerance=0.0) == AgreementPart(rows=0, differing=0, largest=0.0)
