"""Gate: what the candidate was trained on is not emptier than what servers have seen at the same time."""

from __future__ import annotations

import math

from mlops_lab.features.definition import Features
from mlops_lab.gates.base import Gate, GateInput, GateVerdict, finite

MIN_ROWS = 100
"""Fewer rows on either side prove nothing."""


def check_served(gate_input: GateInput) -> GateVerdict:
    """Passed if no input is null more often in the held-out rows than in the predictions that the champion answered in
    the same time, by more than `max_null_increase` and what chance explains (three standard errors).

    Compared are the inputs that both versions define alike. Rows that reach the lake another way than they reach a
    server, such as a file that is loaded late, would train a model on values that it will never see.
    """
    served, held_out = gate_input.served, gate_input.training.holdout_inputs
    if served.height < MIN_ROWS or held_out.height < MIN_ROWS:
        return GateVerdict("served", True, "too few predictions to compare the training data with")
    limit = gate_input.project.settings.gates.max_null_increase
    increases = {}
    for name in (name for name in held_out.columns if name in served.columns):
        trained_share = held_out[name].null_count() / held_out.height
        served_share = served[name].null_count() / served.height
        pooled = (held_out[name].null_count() + served[name].null_count()) / (held_out.height + served.height)
        by_chance = 3 * math.sqrt(pooled * (1 - pooled) * (1 / held_out.height + 1 / served.height))
        increases[name] = trained_share - served_share - by_chance
    worst = max(increases, key=lambda name: increases[name], default=None)
    evidence = finite({"served": served.height, "inputs": len(increases)})
    if worst is None:
        return GateVerdict("served", True, "no input is defined as that of the champion", evidence)
    evidence |= finite({"largest_increase": increases[worst]})
    if increases[worst] > limit:
        empty = [name for name, increase in increases.items() if increase > limit]
        reason = (
            f"{len(empty)} inputs are null more often in the training data than when they were served: {worst} in "
            f"{held_out[worst].null_count() / held_out.height:.1%} instead of "
            f"{served[worst].null_count() / served.height:.1%} of the rows"
        )
        return GateVerdict("served", False, reason, evidence)
    return GateVerdict("served", True, f"{len(increases)} inputs are as complete as when they were served", evidence)


def alike_inputs(one: Features, other: Features) -> list[str]:
    """The inputs that both definitions have and compute in the same way."""
    return [name for name in one.inputs if name in other.inputs and _definition(one, name) == _definition(other, name)]


def _definition(features: Features, name: str) -> object:
    """All that decides the value of an input, beside the request."""
    if name in features.derived:
        expression = features.derived[name]
        roots = sorted(root for root in expression.meta.root_names() if root != name)
        return features.as_dict()["derived"][name], [_definition(features, root) for root in roots]
    return next((view.as_dict() for view in features.views if name in view.values), name)


SERVED = Gate("served", check_served)
