"""What is said of a tracking server that is away, refuses, or does not fit. Light: no MLflow."""

from __future__ import annotations

from importlib.metadata import version

from packaging.version import InvalidVersion, Version

from mlops_lab.errors import EnvironmentFault

TRACKING_FAULT = "tracking_fault"
"""The code of all these errors."""
REFUSALS = frozenset({401, 403})
"""What a server answers to credentials that it does not take."""
_CLIENT = "mlflow-skinny"


def tracking_fault(server: str, what: str, hint: str) -> EnvironmentFault:
    """An error of the tracking server."""
    return EnvironmentFault(what, code=TRACKING_FAULT, where=server, hint=hint)


def no_answer(server: str, why: str) -> EnvironmentFault:
    """The tracking server is away."""
    return tracking_fault(
        server,
        f"the tracking server does not answer: {why}",
        "start it, or mend the address in [tracking] uri (`mlops doctor`); answers go on without it",
    )


def refused(server: str, status: int) -> EnvironmentFault:
    """The tracking server does not take the credentials."""
    return tracking_fault(
        server,
        f"the tracking server refuses these credentials (HTTP {status})",
        "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, then `mlops doctor`",
    )


def check_version(server: str, status: int, text: str) -> Version:
    """The version that a server tells; EnvironmentFault where it tells none, or not one that the client here fits."""
    if status in REFUSALS:
        raise refused(server, status)
    try:
        found = Version(text.strip()[:40]) if status == 200 else None
    except InvalidVersion:
        found = None
    if found is None:
        what = f"what answers there does not tell its version as MLflow does (HTTP {status})"
        raise tracking_fault(server, what, "write the address of an MLflow server in [tracking] uri")
    own = Version(version(_CLIENT))
    if found.major != own.major:
        what = f"the tracking server has MLflow {found}, and the client here {own}: they do not fit"
        raise tracking_fault(server, what, f"use a server of MLflow {own.major}")
    return found
