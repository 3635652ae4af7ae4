"""What gates share: which rows count, what the candidate loses on them, and which verdicts are reasons."""

import math

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.gates.base import GateVerdict, finite, summarise

verdicts = st.lists(
    st.builds(GateVerdict, st.just("gate"), st.booleans(), st.sampled_from(["fine", "bad"])), max_size=5
)


@given(st.dictionaries(st.text(max_size=3), st.floats() | st.integers(-9, 9)))
def test_finite_keeps_every_number_and_nothing_else(figures):
    kept = finite(figures)
    assert all(type(value) is float and math.isfinite(value) for value in kept.values())
    assert kept == {name: value for name, value in figures.items() if math.isfinite(value)}


@given(verdicts)
def test_all_must_pass_and_failures_are_the_reasons(some):
    passed, reason = summarise(some)
    failed = [verdict for verdict in some if not verdict.passed]
    assert passed == (not failed)
    assert reason == "; ".join(verdict.reason for verdict in failed or some)


def test_the_loss_increase_is_that_of_rows_that_neither_was_trained_on(make_gate_input):
    gate_input = make_gate_input()
    seen = pl.Series([row % 3 == 0 for row in range(len(gate_input.blocks))])
    partly = make_gate_input(champion_output=gate_input.champion_output.set(seen, None))
    assert partly.unseen.to_list() == (~seen).to_list()
    assert partly.loss_increase().to_list() == gate_input.loss_increase().filter(~seen).to_list()


def test_the_loss_increase_is_the_candidates_loss_less_the_champions(make_gate_input):
    gate_input = make_gate_input()
    truth = gate_input.training.holdout_truth
    expected = [
        -math.log(mine if happened else 1 - mine) + math.log(theirs if happened else 1 - theirs)
        for happened, mine, theirs in zip(truth, gate_input.candidate_output, gate_input.champion_output, strict=True)
    ]
    assert all(
        math.isclose(one, other, abs_tol=1e-12) for one, other in zip(gate_input.loss_increase(), expected, strict=True)
    )
    same = make_gate_input(candidate_output=gate_input.champion_output)
    assert set(same.loss_increase()) == {0.0}
