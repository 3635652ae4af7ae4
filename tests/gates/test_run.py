"""All gates together."""

import polars as pl

from mlops_lab.gates.base import GateVerdict, summarise
from mlops_lab.gates.run import run_gates


def test_a_better_model_passes_all_gates(make_gate_input):
    verdicts = run_gates(make_gate_input())
    assert [verdict.gate for verdict in verdicts] == [
        "same_model",
        "contract",
        "served",
        "sanity",
        "baseline",
        "suspicion",
        "backtest",
        "slices",
    ]
    passed, reason = summarise(verdicts)
    assert passed
    assert reason.count(";") == 7


def test_every_gate_runs_and_every_failure_is_a_reason(make_gate_input):
    gate_input = make_gate_input()
    flipped = (1 - gate_input.candidate_output).cast(pl.Float64)
    verdicts = run_gates(make_gate_input(candidate_output=flipped))
    assert [verdict.gate for verdict in verdicts if verdict.passed] == [
        "same_model",
        "served",
        "baseline",
        "suspicion",
    ], "they only warn, or have nothing to compare with"
    passed, reason = summarise(verdicts)
    assert not passed
    assert all(verdict.reason in reason for verdict in verdicts if not verdict.passed)


def test_only_failures_are_reasons_for_a_refusal():
    verdicts = [GateVerdict("a", True, "fine"), GateVerdict("b", False, "poor"), GateVerdict("c", False, "bad")]
    assert summarise(verdicts) == (False, "poor; bad")
    assert summarise(verdicts[:1]) == (True, "fine")
