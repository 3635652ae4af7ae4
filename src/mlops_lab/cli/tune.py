"""`mlops tune`."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Annotated, Any

import msgspec
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from mlops_lab.cli.records.tuning import TuneRecord
from mlops_lab.cli.shared import HERE, Folder, Json, console, open_project, print_record, print_table
from mlops_lab.tuning.result import Tuning
from mlops_lab.tuning.result import TuningProgress as Seen
from mlops_lab.tuning.tune import tune


def command(
    trials: Annotated[int, typer.Option(min=1, help="The number of trials of the whole study.")] = 50,
    seconds: Annotated[float | None, typer.Option(min=0, help="Start no further trial after this time.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start a new study instead of continuing.")] = False,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Search for better parameters. It changes no file, and continues where it was stopped."""
    with _bar() as bar, redirect_stdout(sys.stderr):  # estimators console
        task = bar.add_task("", total=trials, stage="", quality="")

        def watch(seen: Seen) -> None:
            quality = f"best {seen.best:.4f}" if seen.best is not None else ""
            quality += f" (current {seen.current:.4f})" if seen.current is not None else ""
            bar.update(task, completed=seen.done, total=seen.total or trials, stage=seen.stage, quality=quality)

        found = tune(open_project(project), trials=trials, seconds=seconds, fresh=fresh, watch=watch)
    if (ended := sum(found.trials.values())) < trials:
        console.print(f"time is up after {ended} of {trials} trials; the same command goes on")
    if json:
        print_record(msgspec.convert(found, TuneRecord, from_attributes=True))
    else:
        _show(found)


def _show(found: Tuning) -> None:
    ended = ", ".join(f"{count} {state}" for state, count in found.trials.items() if count)
    print(f"{found.study}: {ended or 'no trial yet'}, on {len(found.present.folds)} folds of {found.rows:,} rows")
    names = list(found.best[0].parameters) if found.best else []
    rows = [*found.best, found.present, found.baseline]
    table = Table("", *(row.name.removeprefix("a ") for row in rows), box=None, header_style="bold")
    table.columns[0].no_wrap = True
    table.add_row(found.loss_name, *(f"{row.loss:.4f}" for row in rows), style="bold")
    for name in names:
        table.add_row(name, *(_short(row.parameters.get(name, "")) for row in rows))
    print_table(table)
    if len(found.importances) > 1:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in found.importances.items())
        print(f"what mattered: {shares}")
    for line in _words(found):
        print(line)


def _words(found: Tuning) -> list[str]:
    """What it comes to."""
    if not found.best:
        return ["no trial has finished: give it more time"]
    best, folds = found.best[0], len(found.present.folds)
    lines = []
    if best.loss >= found.baseline.loss:
        lines.append(f"{found.baseline.name} does as well: more features may help more than other parameters")
    if found.paste is None:
        return [*lines, "nothing that was tried is better than the present parameters"]
    gain = f"{found.present.loss - best.loss:.4f} better than the present parameters"
    doubt = " (which may be chance)" if found.better_folds * 2 <= folds else ""
    lines.append(f"{best.name} is {gain}, on {found.better_folds} of {folds} folds{doubt}. For pipeline.py:")
    return [*lines, "", found.paste, "", "then `mlops run`: whether it is better is for the gates to say"]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _bar() -> Progress:
    columns = [
        TextColumn("{task.completed}/{task.total}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[quality]} {task.fields[stage]}"),
        TimeElapsedColumn(),
    ]
    return Progress(*columns, console=console, refresh_per_second=5)
