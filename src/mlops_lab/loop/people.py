"""Who acts: the name that stands in the decisions of a person."""

from __future__ import annotations

import os

from mlops_lab.errors import InvalidInput, Refused
from mlops_lab.project import Project
from mlops_lab.rollout.approvals import TOKEN
from mlops_lab.rollout.decision_log import system_user
from mlops_lab.serving.http.tokens import LOCAL, hash_token, list_tokens

VARIABLE = "MLOPS_TOKEN"
"""The environment variable that may hold the token of the person who decides."""


def acting_person(project: Project) -> str:
    """`token:NAME` where the environment variable MLOPS_TOKEN holds a token of the project; else the user of the
    machine whose process this is.

    InvalidInput where the project has no such token. Refused where the token may not `operate`, or is the one of this
    machine, which names nobody.
    """
    clear = os.environ.get(VARIABLE)
    if not clear:
        return system_user()
    hashed = hash_token(clear.encode())
    token = next((token for token in list_tokens(project) if token.sha256 == hashed), None)
    if token is None:
        raise InvalidInput(
            "is no token of this project",
            code="unknown_token",
            where=VARIABLE,
            hint="`mlops token list`; without the variable, the user of this machine decides",
        )
    if token.name == LOCAL or token.role != "operate":
        why = "names no person" if token.name == LOCAL else f"may only {token.role}"
        raise Refused(
            f'the token "{token.name}" {why}',
            code="not_a_person",
            where=VARIABLE,
            hint="`mlops token create --role operate --name NAME` makes one for a person",
        )
    return f"{TOKEN}{token.name}"
