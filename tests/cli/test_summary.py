"""The summary of a demo as a person sees it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from mlops_lab.cli.summary import render
from mlops_lab.replay.summary import ArmResult, DecisionRow, Month, ReplayCounts, ReplaySummary


def summary(**changes: Any) -> ReplaySummary:
    both, ranks = ArmResult(frozen=0.483, loop=0.462), ArmResult(frozen=0.75, loop=0.76)
    fields: dict[str, Any] = {
        "project": "flights",
        "span": ("2013-03-01", "2013-03-31"),
        "months": [Month(month="2013-03", predictions=27_934, late_rate=0.22, log_loss=both, auc=ranks)],
        "log_loss": both,
        "auc": ranks,
        "decisions": [
            DecisionRow(at="2013-03-01T00:00:00-05:00", what="bootstrap", version=1, reason="it is the first")
        ],
        "counts": ReplayCounts(sent=27_934, logged=27_934, joined=27_900, pending=34, lost=0, duplicated=0),
        "seconds": 12.0,
        "stages": {"requests": 8.0, "training": 3.0},
        "report": "report.html",
    }
    return ReplaySummary(**(fields | changes))


def rendered(of: ReplaySummary, *, width: int = 120) -> str:
    target = io.StringIO()
    render(of, Console(file=target, width=width, force_terminal=False))
    return target.getvalue()


def test_it_shows_months_decisions_counts_stages_and_the_report() -> None:
    text = rendered(summary())
    for part in ("2013-03", "27,934", "22.0%", "0.483", "0.462", "it is the first", "12.0 s in all", "report.html"):
        assert part in text, part
    assert "27,934 sent, 27,934 logged, 27,900 joined, 34 pending, 0 lost, 0 twice" in text


def test_without_decisions_there_is_no_table_of_them() -> None:
    assert "reason" not in rendered(summary(decisions=[]))


def test_a_figure_that_is_not_defined_is_a_dash() -> None:
    nothing = ArmResult(frozen=None, loop=None)
    assert " - " in rendered(summary(auc=nothing))


@pytest.mark.parametrize("width", [80, 120, 200])
def test_it_fits_the_terminal(width: int) -> None:
    assert max(map(len, rendered(summary(), width=width).splitlines())) <= width
