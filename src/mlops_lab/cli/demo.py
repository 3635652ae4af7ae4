"""`mlops demo`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from mlops_lab.cli.records.replay import DemoRecord
from mlops_lab.cli.shared import Json, console, parse_day, print_record
from mlops_lab.cli.summary import render
from mlops_lab.replay.demo import run_demo
from mlops_lab.replay.demo_folder import FIRST, LAST, DemoOptions
from mlops_lab.replay.driver import ReplayProgress as Seen
from mlops_lab.rollout.decisions import DecisionKind

_FOLDER = Path("flights-demo")


def command(
    first: Annotated[
        str | None, typer.Option("--from", help="The first day of the replay.", show_default=str(FIRST))
    ] = None,
    last: Annotated[
        str | None,
        typer.Option("--to", help="The last day of the replay; with --resume, a new one.", show_default=str(LAST)),
    ] = None,
    folder: Annotated[Path, typer.Option("--dir", help="The folder of the demo's project.")] = _FOLDER,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the demo in the folder.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Replace the demo in the folder.")] = False,
    json: Json = False,
) -> None:
    """Train a first model on the flights known before the first day, then replay the days one after the other."""
    first_day = None if first is None else parse_day(first, "--from")
    last_day = None if last is None else parse_day(last, "--to")
    options = DemoOptions(folder, first_day, last_day, resume=resume, fresh=fresh)
    with _bar() as bar:
        watcher = _Watcher(bar)
        try:
            summary = run_demo(options, watch=watcher.watch)
        except KeyboardInterrupt:
            where = "" if folder == _FOLDER else f" --dir {shlex.quote(str(folder))}"
            message = f"nothing is lost; `mlops demo --resume{where}` continues"
            console.print(message, highlight=False, markup=False, soft_wrap=True)
            raise
    if json:
        print_record(msgspec.convert(summary, DemoRecord, from_attributes=True))
    else:
        render(summary, Console())


class _Watcher:
    """Shows the progress, and each decision when it is made."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task: TaskID | None = None
        self._shown_decisions = 0

    def watch(self, seen: Seen) -> None:
        if self._task is None:
            self._task = self._bar.add_task("", total=seen.days, day="", stage="", rate="", quality="", sent="")
        fields: dict[str, Any] = {
            "day": str(seen.day or "before the first day"),
            "stage": seen.stage,
            "rate": f"{seen.requests_per_second:,.0f}/s" if seen.requests_per_second else "",
            "quality": f"log loss {seen.log_loss:.3f}" if seen.log_loss is not None else "",
            "sent": f"{seen.sent:,}",
        }
        self._bar.update(self._task, completed=seen.days_done, **fields)
        for decision in seen.decisions[self._shown_decisions :]:
            if decision.what is not DecisionKind.RETRAIN:
                version = f" version {decision.version}" if decision.version else ""
                console.print(f"{seen.day or ''} [bold]{decision.what}[/]{version}: {decision.reason}", highlight=False)
        self._shown_decisions = len(seen.decisions)


def _bar() -> Progress:
    columns = [
        TextColumn("{task.fields[day]}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[sent]} {task.fields[rate]} {task.fields[quality]} {task.fields[stage]}"),
        TimeElapsedColumn(),
    ]
    return Progress(*columns, console=console, refresh_per_second=5)
