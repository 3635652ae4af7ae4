"""`mlops backtest`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from mlops_lab.cli.records.backtest import BacktestRecord
from mlops_lab.cli.shared import HERE, Folder, Json, console, open_project, parse_day, print_record
from mlops_lab.cli.summary import NONE, make_table
from mlops_lab.replay.backtest import BacktestMonth, BacktestResult, PolicyResult, run_backtest

_POLICY = 'own, frozen, "every 28 days", "version 3", or SECTION.KEY=VALUE (several with commas). Repeatable.'
_SHOWN = 2


def command(
    policies: Annotated[
        list[str] | None, typer.Option("--policy", metavar="POLICY", help=_POLICY, show_default="own and frozen")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help="The first day.", show_default="28 days in all")] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="The last day.", show_default="the last one that is over")
    ] = None,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Play policies over past days, with the labels known then, and print their months side by side.

    The project is not changed: versions are trained in a temporary folder.
    """
    began, end = (parse_day(text, option) if text else None for text, option in ((first, "--from"), (last, "--to")))
    with console.status("") as status:
        result = run_backtest(
            open_project(project),
            first=began,
            last=end,
            policies=policies or [],
            report=lambda stage: status.update(stage),
        )
    if json:
        print_record(msgspec.convert(result, BacktestRecord, from_attributes=True))
    else:
        render_backtest(result, Console())


def render_backtest(result: BacktestResult, out: Console) -> None:
    """Print the months of all policies side by side, then what each decided and how it compares with the first."""
    out.print(f"{result.requests:,} requests from {result.span[0]} to {result.span[1]}, answered by each policy")
    out.print()
    out.print(_months(result))
    out.print()
    for policy in result.policies:
        out.print(_describe(policy, result), soft_wrap=True, highlight=False, markup=False)


def _months(result: BacktestResult) -> Table:
    names = list(result.policies[0].total.measures)[:_SHOWN]
    headers = [f">{policy.policy}\n{name}" for policy in result.policies for name in names]
    table = make_table(">month", ">requests", *headers)
    for rows in zip(*([*policy.months, policy.total] for policy in result.policies), strict=True):
        if rows[0].month == "all":
            table.add_section()
        table.add_row(rows[0].month, f"{rows[0].requests:,}", *(_figure(row, name) for row in rows for name in names))
    return table


def _figure(month: BacktestMonth, name: str) -> str:
    value = month.measures[name]
    return NONE if value is None else f"{value:.4f}"


def _describe(policy: PolicyResult, result: BacktestResult) -> str:
    text = f"{policy.policy}: from version {policy.version} on, "
    text += f"{_count(policy.total.trainings, 'training')}, {_count(policy.total.promotions, 'promotion')}"
    if policy.gain is None or policy.p_value is None:
        return text
    word = "lower" if policy.gain >= 0 else "higher"
    return (
        f"{text}; {result.loss_name} {abs(policy.gain):.4f} a day {word} than of {result.policies[0].policy} "
        f"(p = {policy.p_value:.2g})"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
