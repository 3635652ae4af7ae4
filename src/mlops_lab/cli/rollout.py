"""`mlops rollout show | pause | resume | abort | promote`."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from mlops_lab.cli.records.decisions import RolloutRecord, SteeredRecord
from mlops_lab.cli.shared import HERE, At, Folder, Json, console, open_project, parse_at, print_record
from mlops_lab.errors import InvalidInput, MlopsError
from mlops_lab.loop.tick import Loop
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.status.describe import describe
from mlops_lab.status.sentences import tell_rollout
from mlops_lab.status.wording import format_decision

app = typer.Typer(add_completion=False, no_args_is_help=True)
Reason = Annotated[str, typer.Option(help="The reason, stored with the decision.")]
By = Annotated[str | None, typer.Option(help="Who decides, stored with the decision.", show_default="the login name")]
_ASKED = "a person asked for it"


@app.command()
def show(project: Folder = HERE, json: Json = False) -> None:
    """Show the rollout under way: its stage, how far it is, and what comes next."""
    status = describe(open_project(project))
    if json:
        print_record(
            RolloutRecord(
                champion=status.champion,
                challenger=status.challenger,
                stage=status.stage,
                since=status.since,
                progress=status.rollout,
            )
        )
    else:
        print(tell_rollout(status))


@app.command()
def pause(reason: Reason = _ASKED, by: By = None, project: Folder = HERE, at: At = None, json: Json = False) -> None:
    """Let the rollout take no step forward until it is resumed. A version that does harm is still taken back."""
    _steer(project, DecisionKind.PAUSE, reason=reason, by=by, at=at, json=json)


@app.command()
def resume(reason: Reason = _ASKED, by: By = None, project: Folder = HERE, at: At = None, json: Json = False) -> None:
    """Let a paused rollout go on."""
    _steer(project, DecisionKind.RESUME, reason=reason, by=by, at=at, json=json)


@app.command()
def abort(reason: Reason = _ASKED, by: By = None, project: Folder = HERE, at: At = None, json: Json = False) -> None:
    """End the rollout: the challenger is withdrawn, and the champion stays."""
    _steer(project, DecisionKind.ROLL_BACK, reason=reason, by=by, at=at, json=json)


@app.command()
def promote(
    reason: Annotated[str, typer.Option(help="Why the challenger need not prove itself; stored with the decision.")],
    force: Annotated[bool, typer.Option("--force", help="Promote without what the rollout still waits for.")] = False,
    by: By = None,
    project: Folder = HERE,
    at: At = None,
    json: Json = False,
) -> None:
    """Make the challenger the champion now, whatever its rollout still waits for."""
    if not force:
        raise InvalidInput(
            "the loop promotes a challenger by itself, once its rollout waits for nothing more",
            code="not_forced",
            where="--force",
            hint="`mlops rollout show` says what is missing; to promote it all the same, add --force",
        )
    _steer(project, DecisionKind.PROMOTE, reason=reason, by=by, at=at, json=json)


def _steer(project: Path, what: DecisionKind, *, reason: str, by: str | None, at: str | None, json: bool) -> None:
    loop = Loop(open_project(project))
    decision = loop.steer(loop.moment(parse_at(at)), what, by=by or _login_name(), reason=reason)
    if json:
        print_record(msgspec.convert(decision.as_dict() | {"champion": loop.state.champion}, SteeredRecord))
    else:
        print(f"{format_decision(str(what), decision.version)}; version {loop.state.champion} answers", flush=True)
    if what is DecisionKind.PROMOTE:
        update_alias(loop)


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may know no name
        return "a person"


def update_alias(loop: Loop) -> None:
    """Set MLflow's alias after a decision that servers follow already. A failure is only told: "run it again" would
    decide once more."""
    try:
        with console.status("updating MLflow"):
            loop.name_champion()
    except MlopsError as error:
        warning = f"MLflow's alias `champion` was not set to version {loop.state.champion}: {error}"
        console.print(f"warning: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)
