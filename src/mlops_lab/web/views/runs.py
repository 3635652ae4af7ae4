"""Runs: trainings and the trials of studies as a table, sorted and filtered; one run with all that was logged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlops_lab.errors import NotFound
from mlops_lab.registry.store.project_runs import read_runs, read_versions
from mlops_lab.registry.store.records import TrackedRun
from mlops_lab.tuning.trial_result import DVC, STUDY, kind_of
from mlops_lab.web.trial_chart import draw_trials
from mlops_lab.web.view import Content, Source, View

SHOWN = 200
KINDS = ("training", "trial", "study", DVC)
_LOSSES = ("loss", "sanity.log_loss", "sanity.rmse", "suspicion.loss")
"""The metrics that hold a run's loss on rows that it was not trained on; the first that it has counts."""


@dataclass(frozen=True)
class Row:
    """A run as the table shows it."""

    run: TrackedRun
    kind: str
    version: int | None

    @property
    def loss(self) -> float | None:
        """Its loss on rows that it was not trained on."""
        return next((self.run.metrics[name] for name in _LOSSES if name in self.run.metrics), None)

    @property
    def state(self) -> str:
        """How it ended."""
        return self.run.tags.get("state", "finished") if self.run.is_finished else "running"

    @property
    def rows(self) -> int | None:
        """On how many rows it was trained."""
        text = self.run.tags.get("rows", "")
        return int(text) if text.isdecimal() else None


SORTS: Mapping[str, tuple[str, Callable[[Row], Any]]] = {
    "began": ("When", lambda row: row.run.began),
    "name": ("Run", lambda row: row.run.name),
    "kind": ("Kind", lambda row: row.kind),
    "rows": ("Rows", lambda row: row.rows or 0),
    "loss": ("Loss", lambda row: math.inf if row.loss is None else row.loss),
    "state": ("State", lambda row: row.state),
    "version": ("Version", lambda row: row.version or 0),
}


def query(source: Source, asked: Mapping[str, str]) -> Content:
    """The runs that fit, at most `SHOWN` of them; with `run`, everything about that one."""
    rows = list(_read_rows(source))
    if name := asked.get("run", "").strip():
        row = _find(rows, name)
        study = row.run.tags.get(STUDY) if row.kind == "study" else None
        return {"row": row, "chart": _draw([each for each in rows if study and each.run.tags.get(STUDY) == study])}
    kind, words = asked.get("kind", ""), asked.get("words", "").strip()
    sort = asked.get("sort", "began")
    sort = sort if sort in SORTS else "began"
    is_down = (asked.get("down") or ("1" if sort == "began" else "0")) == "1"
    fitting = [row for row in rows if (not kind or row.kind == kind) and words.lower() in _text(row)]
    fitting.sort(key=SORTS[sort][1], reverse=is_down)
    return {
        "row": None,
        "chart": _draw(fitting[:SHOWN]),
        "rows": fitting[:SHOWN],
        "more": max(0, len(fitting) - SHOWN),
        "total": len(rows),
        "kinds": KINDS,
        "sorts": {key: title for key, (title, _) in SORTS.items()},
        "asked": {"kind": kind, "words": words, "sort": sort, "down": is_down},
    }


def _draw(rows: Sequence[Row]) -> str | None:
    """The trials among the rows that have a loss, as parallel coordinates."""
    trials = [(row.run, row.loss) for row in rows if row.kind == "trial" and row.loss is not None]
    return draw_trials([(run, loss) for run, loss in trials if math.isfinite(loss)])


def _read_rows(source: Source) -> Iterator[Row]:
    numbers = {version.run_id: version.number for version in read_versions(source.project)}
    for run in read_runs(source.project):
        yield Row(run, kind_of(run.tags), numbers.get(run.run_id))


def _text(row: Row) -> str:
    """What the filter for words looks at."""
    parameters = " ".join(f"{name}={value}" for name, value in row.run.parameters.items())
    return f"{row.run.run_id} {row.run.name} {row.run.tags.get(STUDY, '')} {row.state} {parameters}".lower()


def _find(rows: list[Row], run_id: str) -> Row:
    for row in rows:
        if run_id in row.run.ids:
            return row
    raise NotFound(f'there is no run "{run_id[:100]}"', code="unknown_run", where="run", hint="choose one of the list")


VIEW = View(name="runs", title="Runs", command="mlops compare RUN RUN", query=query)
