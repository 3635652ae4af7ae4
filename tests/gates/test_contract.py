"""Gate: the package answers exactly like the model."""

import math
from copy import copy

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from slow import examples

from mlops_lab.gates.contract import SAMPLE, check_contract
from mlops_lab.registry.engines.encoding import Encoder


def test_a_sound_package_passes(make_gate_input):
    gate_input = make_gate_input()
    verdict = check_contract(gate_input)
    assert verdict.passed
    rows = gate_input.agreement.rows + SAMPLE
    assert verdict.evidence == {"rows": rows, "invalid": 0, "differing": 0, "largest_difference": 0.0}


@examples(20)
@given(st.data())
def test_one_answer_one_bit_off_is_refused(make_gate_input, data):
    output = make_gate_input().candidate_output
    row = data.draw(st.integers(0, SAMPLE - 1))
    changed = output.clone()
    changed[row] = math.nextafter(output[row], data.draw(st.sampled_from([0.0, 1.0])))
    verdict = check_contract(make_gate_input(candidate_output=changed))
    assert not verdict.passed
    assert verdict.evidence["differing"] == 1
    assert "differently from the model" in verdict.reason


def test_a_package_that_was_seen_to_differ_from_its_model_is_refused(make_gate_input, tiny):
    verdict = check_contract(make_gate_input(agreement=replace(tiny.agreement, differing=3, largest=0.2)))
    assert not verdict.passed
    assert verdict.evidence["differing"] == 3
    assert "3 of" in verdict.reason


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan, math.inf])
def test_an_answer_that_is_no_probability_is_refused(make_gate_input, bad):
    output = make_gate_input().candidate_output.clone()
    output[7] = bad
    verdict = check_contract(make_gate_input(candidate_output=output))
    assert not verdict.passed
    assert verdict.evidence["invalid"] == 1
    assert "not valid answers of the task" in verdict.reason


def test_a_server_that_would_answer_otherwise_is_refused(make_gate_input, tiny):
    """The rows as the server asks them, one at a time, are compared too: here its codes are in another order."""
    other = copy(tiny.predictor)
    turned = {name: [*values[1:], values[0]] for name, values in tiny.plan.categories.items()}
    other.engine = copy(tiny.predictor.engine)
    other.engine.encoder = Encoder(tiny.predictor.features.inputs, turned)
    verdict = check_contract(make_gate_input(candidate=other))
    assert not verdict.passed
    assert verdict.evidence["differing"] > 10


def test_a_missing_answer_is_refused(make_gate_input):
    output = make_gate_input().candidate_output
    holed = pl.concat([output.head(300), pl.Series("output", [None], dtype=pl.Float64), output.tail(-301)])
    assert len(holed) == len(output)
    assert not check_contract(make_gate_input(candidate_output=holed)).passed
