"""The report of a validated change as Markdown, for the reviewer: in a file, a comment, or the summary of a CI job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mlops_lab.ci.validation import Check, Cost, Figures, Trained, Validation
from mlops_lab.lineage.records import DefinitionChanges, FeatureChanges

_NONE = "–"


def write_report(validation: Validation) -> str:
    """The whole report; its first line is the verdict."""
    return "\n".join([*_lines(validation), ""])


def _lines(validation: Validation) -> Iterator[str]:
    refused = [check.name for check in validation.checks if check.counts and not check.passed]
    verdict = f"refused by {', '.join(refused)}" if refused else "passed"
    against = f"version {validation.champion}" if validation.champion is not None else "no version"
    yield f"## {_cell(validation.project)}: {verdict}"
    yield ""
    yield f"Commit {_cell(validation.commit)}; {against} is live. Written by `mlops validate`; nothing was registered."
    yield from _section("Checks", ("", "check", "why"), map(_check_row, validation.checks))
    trained = validation.trained
    if trained is not None:
        yield from _trained(trained)
    yield from _changes(validation)
    if trained is not None:
        yield from _cost(trained.cost)
        yield from _evidence(validation.checks, trained)


def _trained(trained: Trained) -> Iterator[str]:
    yield from _section("Metrics", ("measure", "candidate", "champion", "difference"), map(_row, trained.measures))
    yield ""
    rows = f"{_rows(trained.measures)} of {trained.held_out_rows:,} held-out rows"
    yield f"On {rows}. Compared with {_cell(trained.compared_with)}."
    if trained.slices:
        head = ("group", "candidate", "champion", "difference", "rows")
        yield from _section("Groups (mean loss)", head, ((*_row(group), f"{group.rows:,}") for group in trained.slices))


def _changes(validation: Validation) -> Iterator[str]:
    changes = [(table, change) for table, found in validation.contract.items() for change in found]
    yield from _section("Contract", ("table", "change"), changes, empty="No change against the stored rows.")
    if validation.features is not None:
        rows = [*_feature_rows(validation.features)]
        empty = f"The same as in version {validation.features.other}."
        yield from _section("Features", ("what", "name", "change"), rows, empty=empty)


def _cost(cost: Cost) -> Iterator[str]:
    rows = [
        ("package", f"{cost.package_bytes / 1e6:.2f} MB", _unit(cost.champion_package_bytes, 1e6, "MB")),
        ("one row", _unit(cost.row_micros, 1, "µs"), _unit(cost.champion_row_micros, 1, "µs")),
    ]
    yield from _section("Cost", ("", "candidate", "champion"), rows)
    yield ""
    yield "Seconds here: " + ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in cost.seconds.items()) + "."


def _evidence(checks: Sequence[Check], trained: Trained) -> Iterator[str]:
    figures = [(check.name, name, f"{value:.6g}") for check in checks for name, value in check.evidence.items()]
    yield ""
    yield "<details><summary>Evidence</summary>"
    yield ""
    yield f"Learned from {trained.learned_rows:,} rows; held out from {trained.cutoff} on."
    yield f"Snapshots: {', '.join(map(_cell, trained.snapshots))}."
    yield ""
    yield from _table(("check", "figure", "value"), figures)
    yield ""
    yield "</details>"


def _check_row(check: Check) -> tuple[str, ...]:
    mark = "✅" if check.passed else "❌" if check.counts else "⚪"
    return mark, check.name, check.reason


def _row(figures: Figures) -> tuple[str, ...]:
    ours, theirs = figures.candidate, figures.champion
    difference = _NONE if ours is None or theirs is None else f"{ours - theirs:+.4f}"
    return figures.name, _number(ours), _number(theirs), difference


def _rows(measures: Sequence[Figures]) -> str:
    return f"{measures[0].rows:,}" if measures else "0"


def _feature_rows(changes: FeatureChanges) -> Iterator[tuple[str, ...]]:
    kinds: tuple[tuple[str, DefinitionChanges], ...] = (
        ("view", changes.views),
        ("derived", changes.derived),
        ("input", changes.inputs),
    )
    for kind, found in kinds:
        yield from ((kind, name, "added") for name in found.added)
        yield from ((kind, name, "removed") for name in found.removed)
        for name, parts in found.changed.items():
            shown = ("expression",) if "expression" in parts else tuple(parts)
            for part in shown:
                yield kind, name, f"{part}: {parts[part].then} → {parts[part].now}"


def _section(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str = "") -> Iterator[str]:
    rows = list(rows)
    yield ""
    yield f"### {title}"
    yield ""
    yield from _table(head, rows) if rows or not empty else (empty,)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    yield from (f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _cell(text: str) -> str:
    """A text that Markdown shows as it is: names come from data, and must not become markup, links or mentions."""
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{letter}" if letter in "\\|`*_[]~#@!" else letter for letter in plain)


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.4f}"


def _unit(value: float | None, per: float, unit: str) -> str:
    return _NONE if value is None else f"{value / per:.2f} {unit}"
