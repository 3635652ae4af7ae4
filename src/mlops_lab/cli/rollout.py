"""`mlops rollout show | pause | resume | abort | promote`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from mlops_lab.cli.records.decisions import RolloutRecord, SteeredRecord
from mlops_lab.cli.shared import (
    ASKED,
    HERE,
    At,
    Folder,
    Json,
    console,
    open_project,
    parse_at,
    print_record,
    print_table,
    print_wrapped,
)
from mlops_lab.errors import InvalidInput, MlopsError
from mlops_lab.loop.people import acting_person
from mlops_lab.loop.tick import Loop
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.status.describe import describe
from mlops_lab.status.rollout_days import RolloutDay, list_days
from mlops_lab.status.rollout_groups import list_groups
from mlops_lab.status.sentences import tell_rollout
from mlops_lab.status.wording import format_decision

app = typer.Typer(add_completion=False, no_args_is_help=True)
Reason = Annotated[str, typer.Option(help="The reason, stored with the decision.")]
By = Annotated[str | None, typer.Option(help="For whom it is decided; stored beside who decides.")]
_SHOWN_DAYS, _WIDTH = 30, 33


@app.command()
def show(project: Folder = HERE, json: Json = False) -> None:
    """Show the rollout under way, or the watch after a promotion: how far it is, and what comes next."""
    opened = open_project(project)
    status, loop = describe(opened), Loop(opened)
    days, groups = list_days(loop), list_groups(loop)
    if json:
        print_record(
            RolloutRecord(
                champion=status.champion,
                challenger=status.challenger,
                stage=status.stage,
                since=status.since,
                progress=status.rollout,
                days=days,
                watch=status.watch,
                groups=groups,
            )
        )
        return
    print_wrapped(tell_rollout(status))
    if days:
        draw_days(days)
    if groups:
        table = Table("group", "outcomes", "gain", box=None, header_style="bold")
        for group in groups:
            table.add_row(group.group, f"{group.rows:,}", f"{group.gain:+.4f}")
        print_table(table)


@app.command()
def pause(reason: Reason = ASKED, by: By = None, project: Folder = HERE, at: At = None, json: Json = False) -> None:
    """Let the rollout take no step forward until it is resumed. A version that does harm is still taken back."""
    _steer(project, DecisionKind.PAUSE, reason=reason, by=by, at=at, json=json)


@app.command()
def resume(reason: Reason = ASKED, by: By = None, project: Folder = HERE, at: At = None, json: Json = False) -> None:
    """Let a paused rollout go on."""
    _steer(project, DecisionKind.RESUME, reason=reason, by=by, at=at, json=json)


@app.command()
def abort(reason: Reason = ASKED, by: By = None, project: Folder = HERE, at: At = None, json: Json = False) -> None:
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


def draw_days(days: Sequence[RolloutDay]) -> None:
    """The mean gain after each day between its bounds, and the evidence."""
    shown = days[-_SHOWN_DAYS:]
    ends = [end for day in shown for end in (day.mean, day.lower, day.upper, 0.0) if end is not None]
    low, high = min(ends), max(ends)

    def place(value: float) -> int:
        return round((_WIDTH - 1) * (value - low) / ((high - low) or 1.0))

    table = Table(
        "day", "version", "gain", "mean", f"{low:+.4f} to {high:+.4f}", "evidence", box=None, header_style="bold"
    )
    for number, day in enumerate(shown, start=len(days) - len(shown) + 1):
        first = 0 if day.lower is None else place(day.lower)
        last = _WIDTH - 1 if day.upper is None else place(day.upper)
        line = ["─" if first <= at <= last else " " for at in range(_WIDTH)]
        line[place(0.0)] = "│"
        line[place(day.mean)] = "●"
        table.add_row(
            str(number), str(day.version), f"{day.gain:+.4f}", f"{day.mean:+.4f}", "".join(line), f"{day.e_value:.3g}"
        )
    print_table(table)


def _steer(project: Path, what: DecisionKind, *, reason: str, by: str | None, at: str | None, json: bool) -> None:
    loop = Loop(open_project(project))
    decision = loop.steer(loop.moment(parse_at(at)), what, by=acting_person(loop.project), reason=with_whom(reason, by))
    if json:
        print_record(msgspec.convert(decision.as_dict() | {"champion": loop.state.champion}, SteeredRecord))
    else:
        print(f"{format_decision(str(what), decision.version)}; version {loop.state.champion} answers", flush=True)
    if what is DecisionKind.PROMOTE:
        update_alias(loop)


def with_whom(reason: str, by: str | None) -> str:
    """The reason, with the name given with `--by`: that is what somebody typed, not who they are."""
    return reason if by is None else f"{reason} (for {by})"


def update_alias(loop: Loop) -> None:
    """Set MLflow's alias after a decision that servers follow already. A failure is only told: "run it again" would
    decide once more."""
    try:
        with console.status("updating MLflow"):
            loop.name_champion()
    except MlopsError as error:
        warning = f"MLflow's alias `champion` was not set to version {loop.state.champion}: {error}"
        console.print(f"warning: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)
