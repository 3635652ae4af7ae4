"""What a person sees at the end of a replay: months, decisions, counts, seconds; in a terminal or a file."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mlops_lab.replay.summary import (
    VERDICTS,
    ArmResult,
    ReplaySummary,
    better_arm,
    count_decisions,
    short_name,
    stage_shares,
    write_headline,
)

COLOURS = {"bootstrap": "magenta", "promote": "green", "refuse": "yellow", "expire": "yellow", "roll_back": "red"}
NONE = "-"
BAR_WIDTH = 24


def render(summary: ReplaySummary, console: Console) -> None:
    """Print `summary` on `console`: headline, months, decisions, counts, stages, and where the report is.

    Fits 80 columns and uses more where there are more; without colours where the console has none.
    """
    parts: list[Text | Table] = [Text(write_headline(summary), style="bold"), _months(summary)]
    if summary.decisions:
        parts.append(_decisions(summary))
    parts += [_counts(summary), _stages(summary, "#" if console.options.ascii_only else "█")]
    for part in parts:
        console.print(part)
        console.print()
    console.print(Text.assemble("report  ", (summary.report, "cyan underline")), soft_wrap=True)


def _months(summary: ReplaySummary) -> Table:
    table = make_table(
        "month",
        ">predictions",
        ">late",
        ">log\nfrozen",
        ">loss\nloop",
        ">AUC\nfrozen",
        ">\nloop",
        "decisions",
    )
    for month in summary.months:
        taken = count_decisions([row for row in summary.decisions if row.at.startswith(month.month)])
        table.add_row(
            month.month,
            f"{month.predictions:,}",
            f"{month.late_rate:.1%}",
            *_pair(month.log_loss, lower_wins=True),
            *_pair(month.auc, lower_wins=False),
            Text(taken or NONE),
        )
    table.add_section()
    whole = (*_pair(summary.log_loss, lower_wins=True), *_pair(summary.auc, lower_wins=False))
    predictions = sum(month.predictions for month in summary.months)
    late = sum(month.predictions * month.late_rate for month in summary.months) / max(predictions, 1)
    table.add_row("all", f"{predictions:,}", f"{late:.1%}", *whole, f"{len(summary.decisions)} decisions")
    return table


def _pair(split: ArmResult, lower_wins: bool) -> Iterator[Text]:
    best = better_arm(split, lower_wins=lower_wins)
    for side, value in (("frozen", split.frozen), ("loop", split.loop)):
        yield Text(NONE if value is None else f"{value:.3f}", "bold cyan" if side == best else "")


def _decisions(summary: ReplaySummary) -> Table:
    table = make_table("day", "decision", ">version", "reason")
    for row in summary.decisions:
        quiet = "" if row.what in VERDICTS else "dim"
        table.add_row(
            Text(row.at[:10], quiet),
            Text(short_name(row.what), COLOURS.get(row.what, quiet)),
            Text(NONE if row.version is None else f"v{row.version}", quiet),
            Text(row.reason, quiet),
        )
    return table


def _counts(summary: ReplaySummary) -> Text:
    counts = summary.counts
    line = Text(f"counts  {counts.sent:,} sent, {counts.logged:,} logged, ")
    line.append(f"{counts.joined:,} joined, {counts.pending:,} pending, ")
    line.append(f"{counts.lost:,} lost", "bold red" if counts.lost else "green").append(", ")
    line.append(f"{counts.duplicated:,} twice", "bold red" if counts.duplicated else "green")
    return line


def _stages(summary: ReplaySummary, block: str) -> Table:
    table = make_table(f"{summary.seconds:,.1f} s in all", ">seconds", ">share", "")
    for name, seconds, share in stage_shares(summary):
        bar = Text(block * max(1, round(share * BAR_WIDTH)), "cyan")
        table.add_row(Text(name), f"{seconds:,.1f}", f"{share:.0%}", bar)
    return table


def make_table(*headers: str) -> Table:
    """A table without a frame; a header that starts with ">" heads a column of figures, which never wrap."""
    table = Table(
        box=SIMPLE_HEAD,
        header_style="dim",
        pad_edge=False,
        padding=(0, 1),
        collapse_padding=True,
        show_edge=False,
    )
    for header in headers:
        figures = header.startswith(">")
        table.add_column(header.lstrip(">"), justify="right" if figures else "left", no_wrap=figures, vertical="top")
    return table
