"""The version that answers, as far as the routing table tells it: no table of the lake is needed."""

from __future__ import annotations

import msgspec

from mlops_lab.doctor.check import Patient
from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.package import ENVIRONMENT_FILE
from mlops_lab.serving.answering.routing_table import LiveVersion, RoutingTable, read_routing_table
from mlops_lab.training.environment import Environment


def read_table(patient: Patient) -> RoutingTable | None:
    """The routing table; None where no version is live. EnvironmentFault where it is damaged."""
    try:
        return read_routing_table(patient.home / "deployment.json")
    except EnvironmentFault as fault:
        if fault.code == "nothing_live":
            return None
        raise


def read_recorded(patient: Patient) -> tuple[LiveVersion, Environment] | None:
    """The version that answers, and the environment that it was trained in; None where nothing tells it."""
    try:
        table = read_table(patient) if patient.root is not None else None
        if table is None:
            return None
        path = patient.folder / table.champion.package / ENVIRONMENT_FILE
        return table.champion, msgspec.json.decode(path.read_bytes(), type=Environment)
    except (EnvironmentFault, OSError, msgspec.MsgspecError):  # the check `version` says so
        return None
