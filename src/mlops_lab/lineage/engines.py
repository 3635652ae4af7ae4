"""How the engine of a version was chosen, as text."""

from __future__ import annotations

from mlops_lab.training.agreement import BESIDE, CORNERS, DATA, ONE_BY_ONE, THRESHOLDS, Agreement, TriedEngine

_ROW_KINDS = {
    DATA: "of the training data",
    CORNERS: "with nulls or unseen texts",
    THRESHOLDS: "at split thresholds",
    BESIDE: "next to rows of the training data",
    ONE_BY_ONE: "one row at a time",
}


def _engine_line(agreement: Agreement) -> str:
    """The engine that serves, and why it may."""
    chosen = agreement.taken
    if chosen is not None:
        return f"{chosen.engine}: {chosen.reason}"
    return f"{agreement.engine}: {agreement.rows - agreement.differing:,} of {agreement.rows:,} rows agree"


def engine_lines(agreement: Agreement) -> list[tuple[str, str]]:
    """The engine that serves, the rows on which it was compared, and the result of each other engine."""
    lines = [("engine", _engine_line(agreement))]
    if agreement.taken is not None:
        lines.append(("compared on", _compared_rows(agreement, agreement.taken)))
    others = [tried for tried in agreement.tried if tried.engine != agreement.engine]
    return lines + [("not taken", f"{tried.engine}: {tried.reason}") for tried in others]


def _compared_rows(agreement: Agreement, chosen: TriedEngine) -> str:
    parts = []
    for kind, text in _ROW_KINDS.items():
        if kind in chosen.parts:
            rows = f"{chosen.parts[kind].rows:,}"
            rows += f" of {agreement.data_rows:,}" if kind == DATA and agreement.data_rows is not None else ""
            splits = f" ({agreement.splits:,} of {agreement.splits_in_all:,})" if kind == THRESHOLDS else ""
            parts.append(f"{rows} {text}{splits}")
    tolerance = f"within {chosen.tolerance:g}" if chosen.tolerance else "to the last bit"
    return f"rows: {', '.join(parts)}; {tolerance}"
