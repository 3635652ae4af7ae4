"""Gate: a rollout of the model that is live already would compare it with itself."""

from mlops_lab.gates.same_model import check_same_model


def test_another_model_passes(make_gate_input):
    assert check_same_model(make_gate_input()).passed


def test_the_model_of_a_live_version_is_refused_and_the_reason_says_what_changes_it(make_gate_input):
    verdict = check_same_model(make_gate_input(same_as=3))
    assert not verdict.passed
    assert verdict.reason == "its model is that of version 3, bit for bit; new labels or other code would make another"
    assert verdict.evidence == {"version": 3.0}
