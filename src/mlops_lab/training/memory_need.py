"""The memory that a training takes, before it begins. Light: no row is read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from mlops_lab.features.definition import Features
from mlops_lab.features.view import View
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.training.fact_parts import FACTS_AT_ONCE, is_long, stored_rows
from mlops_lab.training.machine_memory import check_memory_left

BASE_BYTES = 460 * 2**20
"""The libraries, and all else that does not grow with the rows."""
BYTES_PER_ROW = 250
BYTES_PER_VALUE = 30
"""Of each input of each row, all copies together. Measured: `benchmarks/bench_scale.py` prints what they are now."""
BYTES_PER_VIEW_FACT = 40
"""Of each fact, for each view that looks it up. Measured: `benchmarks/bench_history.py`."""
BYTES_PER_HELD_FACT = 95
"""The same in a history that is read in parts, of the facts that are held at once."""
BYTES_PER_UNKEPT_ROW = 40
"""In a history that is read in parts, of each row, also of those that are not kept: its moment, its hash, its place."""


def estimate_training_bytes(rows: int, inputs: int, *, kept_rows: int | None = None, view_facts: int = 0) -> int:
    """About the most bytes that a process holds at once that trains on so many rows of so many inputs.

    `kept_rows`: of how many of the rows inputs are computed; None: of all. `view_facts`: the facts that views look up,
    once for each view.
    """
    kept_rows = rows if kept_rows is None else min(rows, kept_rows)
    held = rows + (kept_rows if kept_rows < rows else 0)  # rows that are picked out are copies
    return BASE_BYTES + held * BYTES_PER_ROW + kept_rows * inputs * BYTES_PER_VALUE + view_facts * BYTES_PER_VIEW_FACT


def estimate_bytes_in_parts(rows: int, inputs: int, *, kept_rows: int, held_view_facts: int) -> int:
    """The same of a history that is read in parts. `held_view_facts`: the facts of a part, and those before it that
    can be looked up, once for each view."""
    part = FACTS_AT_ONCE * BYTES_PER_ROW
    kept = kept_rows * (BYTES_PER_ROW + inputs * BYTES_PER_VALUE) + held_view_facts * BYTES_PER_HELD_FACT
    return BASE_BYTES + rows * BYTES_PER_UNKEPT_ROW + max(part, kept)


def needed_bytes(
    project: Project, lake: Lake, inputs: int, *, views: Sequence[View] = (), window_days: int | None = None
) -> int:
    """About the most bytes that a training of the project holds at once, with so many inputs, and these views."""
    rows = stored_rows(project, lake, project.settings.source.table)
    kept_rows = _count_kept_rows(project, lake, rows, window_days)
    if is_long(project, lake):
        held = sum(_count_held_facts(project, lake, view, kept_rows) for view in views)
        return estimate_bytes_in_parts(rows, inputs, kept_rows=kept_rows, held_view_facts=held)
    view_facts = sum(stored_rows(project, lake, view.table) for view in views)
    return estimate_training_bytes(rows, inputs, kept_rows=kept_rows, view_facts=view_facts)


def check_memory(project: Project, lake: Lake, features: Features, *, window_days: int | None = None) -> None:
    """Tell how much memory a training on stored rows takes, where that is much; EnvironmentFault where less is left.

    `window_days`: it learns only from the rows of so many days before those that are held out.
    """
    rows, inputs = stored_rows(project, lake, project.settings.source.table), len(features.inputs)
    kept_rows = _count_kept_rows(project, lake, rows, window_days)
    needed = needed_bytes(project, lake, inputs, views=features.views, window_days=window_days)
    kept = f" of {rows:,}" if kept_rows < rows else ""
    check_memory_left(
        f"a training on {kept_rows:,}{kept} rows of {inputs} inputs",
        needed,
        where=f'table "{project.settings.source.table}"',
        hint='learn from fewer rows: [training] window = "last 180d" or max_rows = 1000000 in mlops.toml',
        held_bytes=BASE_BYTES,  # the libraries
    )


def _count_held_facts(project: Project, lake: Lake, view: View, kept_rows: int) -> int:
    """About how many facts a view holds at once: those of a part, those that its window reaches back to, and, if it has
    no limit, one for each entity that is asked for."""
    facts = stored_rows(project, lake, view.table)
    limit = view.window or view.stale_after
    reach = min(1.0, limit / timedelta(days=1) / _count_days(project, lake)) if limit else 0.0
    return min(facts, FACTS_AT_ONCE + round(facts * reach) + (0 if limit else kept_rows))


def _count_kept_rows(project: Project, lake: Lake, rows: int, window_days: int | None) -> int:
    """About how many rows have their inputs computed: those of the window, at most `max_rows` of them, and those that
    are held out."""
    backtest, max_rows = project.settings.backtest, project.settings.training.max_rows
    past_days = _count_days(project, lake)
    share = backtest.share if backtest.share is not None else min(1.0, backtest.days / past_days)
    held_out = round(rows * share)
    learned = rows - held_out
    if window_days is not None:
        learned = min(learned, round(rows * window_days / past_days))
    return held_out + (learned if max_rows is None else min(learned, max_rows))


def _count_days(project: Project, lake: Lake) -> float:
    """How many days the rows of the source table are spread over, as its log tells it; at least 1."""
    source = project.settings.source
    bounds = lake.bounds(source.table, source.known_at) if lake.exists(source.table) else []
    least = min((file.least for file in bounds if file.least), default=None)
    greatest = max((file.greatest for file in bounds if file.greatest), default=None)
    return 1.0 if least is None or greatest is None else max(1.0, (greatest - least) / timedelta(days=1))
