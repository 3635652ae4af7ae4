"""`mlops compare RUN RUN …`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from mlops_lab.cli.plots import draw_columns
from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_record, print_table
from mlops_lab.lineage.compare import Comparison, compare_runs
from mlops_lab.lineage.held_out import HeldOut


def command(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN RUN …", help="The number of a version, the beginning of a run id, or tune:N."),
    ],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Compare parameters, metrics, data and code of runs; for versions, also their answers on new rows."""
    comparison = compare_runs(open_project(project), runs)
    if json:
        print_record(comparison)
        return
    print_table(_table(comparison))
    cutoffs = {run.made_of["cutoff"] for run in comparison.runs}
    if "" in cutoffs:
        print("\nwhat another tool measured may be of other rows: no best one is marked")
    elif len(cutoffs) > 1:
        print("\nmetrics were measured on different rows, those after each one's own cutoff: no best one is marked")
    if comparison.held_out is not None:
        _show_held_out(comparison.held_out)
    elif sum(run.version is not None for run in comparison.runs) > 1:
        print("\nno rows yet that none of these versions has learned from")


def _table(comparison: Comparison) -> Table:
    table = Table("", *(run.name for run in comparison.runs), box=None, header_style="bold")
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.overflow = "fold"
    for name, values in comparison.differing.items():
        table.add_row(name, *(_text(value) for value in values))
    table.add_row("parameters alike", str(comparison.alike), style="dim", end_section=True)
    for metric, numbers in comparison.metrics.items():
        best = comparison.best.get(metric)
        marked = (
            f"[bold green]{_text(number)} *[/]" if index == best else _text(number)
            for index, number in enumerate(numbers)
        )
        table.add_row(metric, *marked)
    table.add_row("run", *(run.run_id[:8] for run in comparison.runs))
    table.add_row("data", *(run.made_of["snapshots"].replace(", ", "\n") for run in comparison.runs))
    table.add_row("learned from", *(_learned_from(run.made_of) for run in comparison.runs))
    table.add_row("commit", *(_commit(run.made_of["commit"]) for run in comparison.runs))
    return table


def _show_held_out(held_out: HeldOut) -> None:
    """A plot for each version, all on one scale, and what the comparison says."""
    rows = f"{held_out.rows:,} rows since {held_out.since[:16]}"
    print(f"\n{held_out.loss_name} on the {rows} that none of them has learned from")
    losses = [value for values in held_out.by_block.values() for value in values]
    low, high = min(losses), max(losses)
    best = min(held_out.losses, key=lambda number: held_out.losses[number])
    for number, values in held_out.by_block.items():
        mark = " *" if number == best else ""
        print(f"\nversion {number}: {held_out.losses[number]:.4f}{mark}")
        lines = draw_columns(values, low=low, high=high)
        for index, line in enumerate(lines):
            label = f"{high:.3f}" if index == 0 else f"{low:.3f}" if index == len(lines) - 1 else ""
            print(f"{label:>8} │{line}")
        print(f"{'':>8}  {held_out.blocks[0]} … {held_out.blocks[-1]}")
    print()
    for pair in held_out.paired:
        print(pair.words)


def _text(value: Any) -> str:
    """A value to read: of a number four digits, and all of a whole one."""
    if value is None:
        return "-"
    try:
        number = float(value)
    except ValueError:
        return str(value)
    return f"{number:,.0f}" if number.is_integer() else f"{number:.4g}"


def _learned_from(made_of: dict[str, str]) -> str:
    return f"{made_of['rows']} rows before {made_of['cutoff'][:16]}" if made_of["cutoff"] else "–"


def _commit(text: str) -> str:
    commit, _, changes = text.partition("+")
    return f"{commit[:12]}{' with changes' if changes else ''}"
