"""The feature definitions of a project, and how they differ from those of a commit or of a registered version."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.features.definition import Features
from mlops_lab.features.view import View
from mlops_lab.lineage.records import (
    Change,
    DefinitionChanges,
    FeatureChanges,
    FeatureDefinitions,
    ViewDefinition,
    ViewRecord,
)
from mlops_lab.project import Project, load_project
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import fold
from mlops_lab.rollout.versions import load_features
from mlops_lab.tables.fields import table_schemas
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.training.pipeline import load_pipeline


def list_features(project: Project) -> FeatureDefinitions:
    """All views and derived features of `pipeline.py`, and which live versions use each view."""
    features = load_pipeline(project).features
    types = features.view_schema(table_schemas(project))
    live = {number: {view.version for view in used.views} for number, used in _live_features(project).items()}
    return FeatureDefinitions(
        version=features.version,
        inputs=list(features.inputs),
        views=[_record_view(view, types, live) for view in features.views],
        derived={name: str(expression) for name, expression in features.derived.items()},
    )


def _record_view(view: View, types: Mapping[str, pl.DataType], live: Mapping[int, set[str]]) -> ViewRecord:
    """The view as a record; `live` holds the versions of the views that each live version uses."""
    more = {
        "version": view.version,
        "types": {name: str(types[name]) for name in view.values},
        "live_in": [number for number, views in live.items() if view.version in views],
    }
    return msgspec.convert(view.as_dict() | more, ViewRecord)


def show_view(project: Project, name: str) -> ViewDefinition:
    """One view as `list_features` describes it; NotFound names the existing views."""
    views = list_features(project).views
    for view in views:
        if view.name == name:
            return msgspec.convert(view, ViewDefinition, from_attributes=True)
    raise NotFound(
        f'there is no view "{name}"',
        code="unknown_view",
        where="VIEW",
        hint=f"pipeline.py has {', '.join(view.name for view in views) or 'none'}",
    )


def diff_features(project: Project, other: str) -> FeatureChanges:
    """How `pipeline.py` now differs from `other`: a registered version's number, or a git commit."""
    return compare_features(load_pipeline(project).features, _load_features_of(project, other), other=other)


def compare_features(now: Features, then: Features, *, other: str) -> FeatureChanges:
    """How features differ from earlier ones, which are those of `other`."""
    return FeatureChanges(
        other=other,
        same=now.version == then.version,
        views=compare_definitions(_views(now), _views(then)),
        derived=compare_definitions(_expressions(now), _expressions(then)),
        inputs=compare_definitions({name: {} for name in now.inputs}, {name: {} for name in then.inputs}),
    )


def compare_definitions(now: Mapping[str, dict[str, Any]], then: Mapping[str, dict[str, Any]]) -> DefinitionChanges:
    """What was added, removed and changed between two sets of definitions, each a dictionary of its parts by name."""
    changed = {}
    for name in sorted(now.keys() & then.keys()):
        parts = {
            part: Change(then=then[name][part], now=value)
            for part, value in now[name].items()
            if value != then[name][part]
        }
        if parts:
            changed[name] = parts
    return DefinitionChanges(
        added=sorted(now.keys() - then.keys()), removed=sorted(then.keys() - now.keys()), changed=changed
    )


def _views(features: Features) -> dict[str, dict[str, Any]]:
    """The parts of each view, without its name."""
    return {
        view.name: {part: value for part, value in view.as_dict().items() if part != "name"} for view in features.views
    }


def _expressions(features: Features) -> dict[str, dict[str, Any]]:
    """Each derived feature as Polars shows it, which leaves out some arguments, and in full."""
    full = features.as_dict()["derived"]
    return {
        name: {"expression": str(expression), "definition": full[name]} for name, expression in features.derived.items()
    }


def _live_features(project: Project) -> dict[int, Features]:
    """The features of the champion, and of the challenger if there is one."""
    state = fold(read_decisions(open_lake(project)))
    numbers = [number for number in (state.champion, state.challenger) if number is not None]
    return {number: _load_registered(project, number) for number in numbers}


def _load_registered(project: Project, version: int) -> Features:
    return load_features(project, read_decisions(open_lake(project)), version)


def _load_features_of(project: Project, other: str) -> Features:
    if other.isdecimal() and len(other) < 7:
        return _load_registered(project, int(other))
    with project_at(project, other) as earlier:
        return load_pipeline(earlier).features


@contextmanager
def project_at(project: Project, commit: str) -> Iterator[Project]:
    """The project as it was written in a commit of its git repository, in a folder that is deleted afterwards.

    InvalidInput where there is no such commit.
    """
    try:
        git = ["git", "-C", str(project.root)]
        named = [*git, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}"]
        found = subprocess.run(named, capture_output=True, check=True, text=True).stdout.strip()
        packed = subprocess.run([*git, "archive", "--format=tar", found, "."], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        reason = f": {error.strerror}" if isinstance(error, OSError) else ""
        raise InvalidInput(
            f'"{commit}" is neither a version nor a git commit of this project{reason}',
            code="unknown_definition",
            where="OTHER",
            hint="`mlops history` lists the versions, `git log` the commits",
        ) from None
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        yield load_project(Path(folder), environment={})  # as it was written
