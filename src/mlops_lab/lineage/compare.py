"""Runs side by side: what they were made of, what was measured, and, of versions, who answers better."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.lineage.held_out import HeldOut, compare_held_out
from mlops_lab.project import Project
from mlops_lab.registry.store.model_registry import ModelRegistry
from mlops_lab.registry.store.records import RegisteredVersion, TrackedRun
from mlops_lab.tuning.tracking import KIND, STUDY, TRIAL

SHORTEST_ID = 4
MADE_OF = ("snapshots", "rows", "cutoff", "commit", "training_set")
_Value = TypeVar("_Value")
_LOWER_IS_BETTER = re.compile(r"(^|\.)(log_loss|squared_error|calibration_gap|loss|fold_\d+)$")


@dataclass(frozen=True)
class Compared:
    """One run: its name as a person would say it, and what MLflow knows of it."""

    name: str
    run_id: str
    version: int | None
    parameters: dict[str, str]
    metrics: dict[str, float]
    made_of: dict[str, str]


@dataclass(frozen=True)
class Comparison:
    """Runs in the order asked for. `differing` and `metrics` hold, by name, a value of each run, None where it has
    none; only what differs. `best` names the place of the best run for a metric, where all were measured on the same
    rows. `held_out` compares the versions among them."""

    runs: list[Compared]
    differing: dict[str, list[str | None]]
    alike: int
    metrics: dict[str, list[float | None]]
    best: dict[str, int]
    held_out: HeldOut | None = field(default=None)


def compare_runs(project: Project, names: Sequence[str]) -> Comparison:
    """The runs that go by these names: a version's number, the beginning of a run's id, or `tune:N`, a trial of the
    newest study."""
    if len(names) < 2:
        raise InvalidInput("one run alone", code="nothing_to_compare", where="RUN", hint="name two or more")
    if not (project.mlflow_path / "mlflow.db").is_file():
        raise NotFound(
            "nothing has been trained yet", code="no_runs", where=str(project.root), hint="`mlops run` or `mlops tune`"
        )
    store = ModelRegistry(project.mlflow_path, name=project.name)
    book = _Book(store.find_runs(), store.versions())
    found = [book.find(name) for name in names]
    runs = [_describe(run, version) for run, version in found]
    if len({run.run_id for run in runs}) < len(runs):
        raise InvalidInput("the same run twice", code="same_run", where="RUN", hint="name different ones")
    versions = [version for _, version in found if version is not None]
    parameters = _by_name([run.parameters for run in runs])
    differing = {name: values for name, values in parameters.items() if len(set(values)) > 1}
    metrics = {name: values for name, values in _by_name([run.metrics for run in runs]).items() if len(set(values)) > 1}
    same_rows = len({run.made_of["cutoff"] for run in runs}) == 1
    return Comparison(
        runs=runs,
        differing=differing,
        alike=len(parameters) - len(differing),
        metrics=metrics,
        best=_mark_best(metrics) if same_rows else {},
        held_out=compare_held_out(project, versions) if len(versions) > 1 else None,
    )


@dataclass(frozen=True)
class _Book:
    """All runs and versions of a project, to be found by what people call them."""

    runs: list[TrackedRun]
    versions: list[RegisteredVersion]

    def find(self, name: str) -> tuple[TrackedRun, RegisteredVersion | None]:
        """The run of that name, and the version it made. NotFound says what there is."""
        if match := re.fullmatch(r"tune:(\d+)", name):
            return self._trial(name, match[1]), None
        if name.isdecimal() and len(name) < 7:
            return self._version(int(name))
        found = [run for run in self.runs if run.run_id.startswith(name)]
        if len(name) < SHORTEST_ID or not found:
            raise NotFound(
                f'there is no run "{name}"',
                code="unknown_run",
                where="RUN",
                hint=f"name a version's number, {SHORTEST_ID} or more letters of a run's id, or tune:N",
            )
        if len(found) > 1:
            ids = ", ".join(run.run_id[: len(name) + 4] for run in found[:5])
            raise InvalidInput(
                f'"{name}" begins the ids of {len(found)} runs',
                code="ambiguous_run",
                where="RUN",
                hint=f"say more: {ids}",
            )
        return found[0], next((one for one in self.versions if one.run_id == found[0].run_id), None)

    def _version(self, number: int) -> tuple[TrackedRun, RegisteredVersion]:
        for version in self.versions:
            if version.number == number:
                return next(run for run in self.runs if run.run_id == version.run_id), version
        there = ", ".join(str(version.number) for version in self.versions)
        raise NotFound(
            f"there is no version {number}",
            code="unknown_version",
            where="RUN",
            hint=f"there are {there}" if there else "`mlops run` trains the first",
        )

    def _trial(self, name: str, number: str) -> TrackedRun:
        studies = [run.tags[STUDY] for run in self.runs if run.tags.get(KIND) == STUDY]
        trials = {run.tags[TRIAL]: run for run in self.runs if TRIAL in run.tags and run.tags[STUDY] == studies[0]}
        if number not in trials:
            there = f"the newest study has 0 to {max(map(int, trials))}" if trials else "`mlops tune` makes some"
            raise NotFound(f"there is no trial {name}", code="unknown_trial", where="RUN", hint=there)
        return trials[number]


def _describe(run: TrackedRun, version: RegisteredVersion | None) -> Compared:
    name = f"version {version.number}" if version is not None else run.name
    made_of = {name: run.tags.get(name, "") for name in MADE_OF}
    number = version.number if version is not None else None
    return Compared(name, run.run_id, number, run.parameters, run.metrics, made_of)


def _by_name(tables: Sequence[dict[str, _Value]]) -> dict[str, list[_Value | None]]:
    names = dict.fromkeys(name for table in tables for name in table)
    return {name: [table.get(name) for table in tables] for name in names}


def _mark_best(metrics: dict[str, list[float | None]]) -> dict[str, int]:
    """The place of the lowest of each metric of which less is better."""
    best = {}
    for name, values in metrics.items():
        known = [value for value in values if value is not None]
        if _LOWER_IS_BETTER.search(name) and len(known) == len(values):
            best[name] = values.index(min(known))
    return best
