"""Training runs side by side: parameters, metrics, data and code; and of versions, which one predicts better."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from msgspec import Struct

from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.lineage.held_out import HeldOut, compare_held_out
from mlops_lab.project import Project
from mlops_lab.registry.store.project_runs import read_runs, read_versions
from mlops_lab.registry.store.records import RegisteredVersion, TrackedRun
from mlops_lab.tuning.trial_result import KIND, STUDY, TRIAL

SHORTEST_ID = 4
MADE_OF = ("snapshots", "rows", "cutoff", "commit", "training_set")
_Value = TypeVar("_Value")
_LOWER_IS_BETTER = re.compile(r"(^|\.)(log_loss|squared_error|calibration_gap|loss|fold_\d+)$")


class ComparedRun(Struct, frozen=True, kw_only=True):
    """One run: its name for people, its version (None: it made none), and what MLflow knows of it."""

    name: str
    run_id: str
    version: int | None
    parameters: dict[str, str]
    metrics: dict[str, float]
    made_of: dict[str, str]


class Comparison(Struct, frozen=True, kw_only=True):
    """Runs in the order of their names.

    `differing` and `metrics` hold, by name, the value of each run (None: it has none), where the values differ; `alike`
    counts the parameters that do not. `best` is the index of the best run by metric, where all runs were measured on
    the same rows. `held_out` compares the versions among the runs.
    """

    schema_version: int = 1
    runs: list[ComparedRun]
    differing: dict[str, list[str | None]]
    alike: int
    metrics: dict[str, list[float | None]]
    best: dict[str, int]
    held_out: HeldOut | None = None


def compare_runs(project: Project, names: Sequence[str], *, scores: bool = True) -> Comparison:
    """The comparison of the runs with these names: a version's number, the beginning of a run's id, or `tune:N`, a
    trial of the newest study. Without `scores`, versions answer no rows (`held_out` is null), and nothing is
    changed."""
    if len(names) < 2:
        raise InvalidInput("needs two runs or more", code="nothing_to_compare", where="RUN", hint="name another one")
    runs = read_runs(project)
    if not runs:
        raise NotFound(
            "nothing has been trained yet", code="no_runs", where=str(project.root), hint="`mlops run` or `mlops tune`"
        )
    index = RunIndex(runs, read_versions(project))
    matches = [index.find(name) for name in names]
    compared = [_describe(run, version) for run, version in matches]
    if len({run.run_id for run in compared}) < len(compared):
        raise InvalidInput("the same run twice", code="same_run", where="RUN", hint="name different ones")
    versions = [version for _, version in matches if version is not None]
    parameters = values_by_name([run.parameters for run in compared])
    metrics = values_by_name([run.metrics for run in compared])
    differing = {name: values for name, values in parameters.items() if len(set(values)) > 1}
    differing_metrics = {name: values for name, values in metrics.items() if len(set(values)) > 1}
    cutoffs = {run.made_of["cutoff"] for run in compared}
    has_same_rows = len(cutoffs) == 1 and "" not in cutoffs
    return Comparison(
        runs=compared,
        differing=differing,
        alike=len(parameters) - len(differing),
        metrics=differing_metrics,
        best=find_best(differing_metrics) if has_same_rows else {},
        held_out=compare_held_out(project, versions) if scores and len(versions) > 1 else None,
    )


@dataclass(frozen=True)
class RunIndex:
    """All runs and versions of a project, to be found by the names that people give."""

    runs: list[TrackedRun]
    versions: list[RegisteredVersion]

    def find(self, name: str) -> tuple[TrackedRun, RegisteredVersion | None]:
        """The run of that name, and the version it made (None: none). NotFound says which names exist."""
        if match := re.fullmatch(r"tune:(\d+)", name):
            return self._find_trial(name, match[1]), None
        if name.isdecimal() and len(name) < 7:
            return self._find_version(int(name))
        matches = [run for run in self.runs if any(one.startswith(name) for one in run.ids)]
        if len(name) < SHORTEST_ID or not matches:
            raise NotFound(
                f'there is no run "{name}"',
                code="unknown_run",
                where="RUN",
                hint=f"name a version's number, {SHORTEST_ID} or more letters of a run's id, or tune:N",
            )
        if len(matches) > 1:
            ids = ", ".join(run.run_id[: len(name) + 4] for run in matches[:5])
            raise InvalidInput(
                f'"{name}" begins the ids of {len(matches)} runs',
                code="ambiguous_run",
                where="RUN",
                hint=f"give more letters: {ids}",
            )
        run = matches[0]
        return run, next((version for version in self.versions if version.run_id == run.run_id), None)

    def _find_version(self, number: int) -> tuple[TrackedRun, RegisteredVersion]:
        for version in self.versions:
            if version.number == number:
                return next(run for run in self.runs if run.run_id == version.run_id), version
        existing = ", ".join(str(version.number) for version in self.versions)
        raise NotFound(
            f"there is no version {number}",
            code="unknown_version",
            where="RUN",
            hint=f"there are {existing}" if existing else "`mlops run` trains the first",
        )

    def _find_trial(self, name: str, number: str) -> TrackedRun:
        studies = [run.tags[STUDY] for run in self.runs if run.tags.get(KIND) == STUDY]
        trials = {run.tags[TRIAL]: run for run in self.runs if TRIAL in run.tags and run.tags[STUDY] == studies[0]}
        if number not in trials:
            hint = f"the newest study has 0 to {max(map(int, trials))}" if trials else "`mlops tune` makes some"
            raise NotFound(f"there is no trial {name}", code="unknown_trial", where="RUN", hint=hint)
        return trials[number]


def _describe(run: TrackedRun, version: RegisteredVersion | None) -> ComparedRun:
    return ComparedRun(
        name=f"version {version.number}" if version is not None else run.name,
        run_id=run.run_id,
        version=version.number if version is not None else None,
        parameters=run.parameters,
        metrics=run.metrics,
        made_of={name: run.tags.get(name, "") for name in MADE_OF},
    )


def values_by_name(tables: Sequence[dict[str, _Value]]) -> dict[str, list[_Value | None]]:
    """By name, the value in each table; None where it has none."""
    names = dict.fromkeys(name for table in tables for name in table)
    return {name: [table.get(name) for table in tables] for name in names}


def find_best(metrics: dict[str, list[float | None]]) -> dict[str, int]:
    """The index of the lowest value by metric, for metrics that all runs have and of which lower is better."""
    best = {}
    for name, values in metrics.items():
        known = [value for value in values if value is not None]
        if _LOWER_IS_BETTER.search(name) and len(known) == len(values):
            best[name] = values.index(min(known))
    return best
