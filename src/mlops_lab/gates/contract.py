"""Gate: the package answers, and answers exactly what the trained model answers."""

from __future__ import annotations

from mlops_lab.gates.verdict import GateVerdict, Trial

SAMPLE = 200


def check_contract(trial: Trial) -> GateVerdict:
    """Passed if every answer is a probability and the serving engine agrees with the trained model to the last bit.

    Three ways are compared: the model as it was trained, the packaged one on all held-out rows, and the packaged
    one a row at a time, as the server asks it.
    """
    output = trial.candidate_output
    bad = int((~output.is_between(0, 1) | output.is_nan() | output.is_null()).sum())
    differing = int((output != trial.trained_output).sum())
    rows = trial.training.holdout_inputs.head(SAMPLE).rows()
    one_by_one = trial.candidate.score_rows(rows)
    differing += sum(a != b for a, b in zip(one_by_one, output.head(SAMPLE), strict=True))
    evidence = {"rows": float(len(output)), "not_probabilities": float(bad), "differing": float(differing)}
    if bad:
        return GateVerdict("contract", False, f"{bad} of {len(output)} answers are not probabilities", evidence)
    if differing:
        return GateVerdict("contract", False, f"the package answers {differing} rows unlike the model", evidence)
    return GateVerdict("contract", True, f"the package answers {len(output)} rows exactly like the model", evidence)
