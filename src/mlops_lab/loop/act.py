"""The third step of a tick: write the decision down, then make the servers and MLflow follow it.

What servers follow is written by `rollout.deploy`, a candidate is trained by `loop.retrain`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.run import send_once_a_day
from mlops_lab.errors import EnvironmentFault, MlopsError, Refused
from mlops_lab.files import write_atomically
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.registry.signing.package_files import SIGNATURE_CODES
from mlops_lab.registry.store.tracking_faults import TRACKING_FAULT
from mlops_lab.rollout.decision_log import write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState


def record_decision(lake: Lake, decision: Decision, *, earlier: int) -> None:
    """Write down the decision that follows the `earlier` ones; Refused where another process has decided meanwhile."""
    if not write_decision(lake, decision, earlier=earlier):
        raise Refused(
            "another process decided something meanwhile",
            code="decided_meanwhile",
            hint="look at `mlops history` and run it again",
        )


def name_champion(project: Project, decisions: Sequence[Decision], state: RolloutState) -> None:
    """Set MLflow's alias, so that `models:/NAME@champion` is the version that answers here; nothing where it was set
    already, as the file `named_path` says: to ask MLflow takes 4 s."""
    if state.champion is None or _named(project, decisions) == state.champion:
        return
    from mlops_lab.registry.store.open_registry import open_registry  # brings MLflow: 4 s that most ticks do not need

    open_registry(project).set_stage("champion", state.champion)
    with suppress(OSError):  # then it is set once more
        write_atomically(project.named_path, str(state.champion).encode())


def keep_champion_named(
    project: Project, lake: Lake, decisions: Sequence[Decision], state: RolloutState, *, now: datetime
) -> str | None:
    """`name_champion`; where MLflow refuses, an alert once a day, and what waits for the next tick, which tries again:
    servers follow the routing table and do not need the alias."""
    try:
        name_champion(project, decisions, state)
    except MlopsError as error:
        what = f"MLflow's alias `champion` could not be set to version {state.champion}: {error.what}"
        where, hint = error.where or str(project.mlflow_path), error.hint or "the next tick tries again"
        send_once_a_day(project, lake, Alert(now, "alias", what, where, hint), about="alias")
        return f"{what} ({where})"
    return None


def alert_waiting_training(project: Project, lake: Lake, fault: EnvironmentFault, *, now: datetime) -> str:
    """An alert, once a day, for a training that waits for the tracking server; the same in words."""
    what = f"a training waits: {fault.what}"
    hint = f"{fault.hint}; the next tick after that trains"
    send_once_a_day(project, lake, Alert(now, "tracking", what, fault.where or "", hint), about="tracking")
    return f"{what} ({fault.where})"


def alert_unreadable(
    project: Project, lake: Lake, unreadable: Mapping[int, EnvironmentFault], *, now: datetime
) -> None:
    """An alert, once a day, for each live version whose package cannot be read or is refused."""
    for version, fault in unreadable.items():
        mend = (
            fault.hint
            if fault.code in {*SIGNATURE_CODES, TRACKING_FAULT}
            else "restore the folder of its package from a backup"
        )
        hint = f"{mend}: the next tick takes it over"
        alert = Alert(now, "package", f"version {version} cannot answer: {fault}", f"version {version}", hint)
        send_once_a_day(project, lake, alert, about=f"package {version}")


def _named(project: Project, decisions: Sequence[Decision]) -> int | None:
    """The version that the alias was last set to: that of the file, or the first one, which its training named."""
    try:
        return int(project.named_path.read_bytes())
    except (OSError, ValueError):
        return next((item.version for item in decisions if item.what is DecisionKind.BOOTSTRAP), None)
