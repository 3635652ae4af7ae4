"""How the engine of a version was chosen, in words."""

from __future__ import annotations

from mlops_lab.training.agreement import BESIDE, CORNERS, DATA, ONE_BY_ONE, THRESHOLDS, Agreement, TriedEngine

_KINDS = {
    DATA: "learned from",
    CORNERS: "with nulls or texts never seen",
    THRESHOLDS: "at split thresholds",
    BESIDE: "a hair beside those learned from",
    ONE_BY_ONE: "asked one by one",
}


def engine_line(agreement: Agreement) -> str:
    """The engine that serves, and why it may."""
    taken = agreement.taken
    if taken is not None:
        return f"{taken.engine}: {taken.reason}"
    return f"{agreement.engine}: {agreement.rows - agreement.differing:,} of {agreement.rows:,} rows agree"


def engine_lines(agreement: Agreement) -> list[tuple[str, str]]:
    """The engine that serves, on which rows it was compared, and what came of the others."""
    lines = [("engine", engine_line(agreement))]
    if agreement.taken is not None:
        lines.append(("compared on", _rows(agreement, agreement.taken)))
    others = [one for one in agreement.tried if one.engine != agreement.engine]
    return lines + [("not taken", f"{one.engine}: {one.reason}") for one in others]


def _rows(agreement: Agreement, taken: TriedEngine) -> str:
    told = []
    for kind, words in _KINDS.items():
        if kind in taken.parts:
            rows = f"{taken.parts[kind].rows:,}"
            rows += f" of {agreement.data_rows:,}" if kind == DATA and agreement.data_rows is not None else ""
            splits = f" ({agreement.splits:,} of {agreement.splits_in_all:,})" if kind == THRESHOLDS else ""
            told.append(f"{rows} {words}{splits}")
    how = f"within {taken.tolerance:g}" if taken.tolerance else "to the last bit"
    return f"rows: {', '.join(told)}; {how}"
