"""The memory that a training takes, before it begins. Light: no row is read."""

from __future__ import annotations

from datetime import timedelta

from mlops_lab.errors import EnvironmentFault
from mlops_lab.features.definition import Features
from mlops_lab.lake import Lake
from mlops_lab.notes import tell
from mlops_lab.project import Project
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.training.machine_memory import free_bytes

BASE_BYTES = 460 * 2**20
"""The libraries, and all else that does not grow with the rows."""
BYTES_PER_ROW = 250
BYTES_PER_VALUE = 30
"""Of each input of each row, all copies together. Measured: `benchmarks/bench_scale.py` prints what they are now."""
BYTES_PER_VIEW_FACT = 40
"""Of each fact, for each view that looks it up. Measured: `benchmarks/bench_history.py`."""
LARGE_BYTES = 2 * 2**30
"""A training that takes less needs no words, and is never refused."""
_GIB = 2**30


def estimate_training_bytes(rows: int, inputs: int, *, kept_rows: int | None = None, view_facts: int = 0) -> int:
    """About the most bytes that a process holds at once that trains on so many rows of so many inputs.

    `kept_rows`: of how many of the rows inputs are computed; None: of all. `view_facts`: the facts that views look up,
    once for each view.
    """
    values = (rows if kept_rows is None else min(rows, kept_rows)) * inputs
    return BASE_BYTES + rows * BYTES_PER_ROW + values * BYTES_PER_VALUE + view_facts * BYTES_PER_VIEW_FACT


def check_memory(project: Project, lake: Lake, features: Features, *, window_days: int | None = None) -> None:
    """Tell how much memory a training on stored rows takes, where that is much; EnvironmentFault where less is left.

    `window_days`: it learns only from the rows of so many days before those that are held out.
    """
    rows, inputs = stored_rows(project, lake, project.settings.source.table), len(features.inputs)
    view_facts = sum(stored_rows(project, lake, view.table) for view in features.views)
    kept_rows = _count_kept_rows(project, lake, rows, window_days)
    needed = estimate_training_bytes(rows, inputs, kept_rows=kept_rows, view_facts=view_facts)
    if needed < LARGE_BYTES:
        return
    kept = f" of {rows:,}" if kept_rows < rows else ""
    seen = f"a training on {kept_rows:,}{kept} rows of {inputs} inputs takes about {needed / _GIB:.1f} GiB of memory"
    free = free_bytes()
    if free is not None and needed - BASE_BYTES > free:  # this process has the libraries already
        raise EnvironmentFault(
            f"{seen}, and {free / _GIB:.1f} GiB are left",
            code="too_little_memory",
            where=f'table "{project.settings.source.table}"',
            hint='learn from fewer rows: [training] window = "last 180d" or max_rows = 1000000 in mlops.toml; '
            "or end other programs, or take a larger machine",
        )
    tell(seen)


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


def stored_rows(project: Project, lake: Lake, table: str) -> int:
    """How many rows a table has, as its log tells it; of the source table, with the outcomes of answered requests."""
    names = [table, *([OUTCOMES.name] if table == project.settings.source.table else [])]
    return sum(file.rows for name in names if lake.exists(name) for file in lake.files(name).values())
