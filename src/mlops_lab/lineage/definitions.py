"""Feature definitions: what a project's are, and how they differ from those of a commit or a registered version."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.features.definition import Features, View
from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project
from mlops_lab.rollout.decisions import fold, read_decisions
from mlops_lab.rollout.versions import load_features
from mlops_lab.tables.fields import table_schemas
from mlops_lab.training.pipeline import load_pipeline


def list_features(project: Project) -> dict[str, Any]:
    """All views and derived features of `pipeline.py`, and which live versions use each view; plain JSON data."""
    features = load_pipeline(project).features
    types = features.view_schema(table_schemas(project))
    live = _live(project)
    views = []
    for view in features.views:
        users = [number for number, used in live.items() if view.version in {other.version for other in used.views}]
        dtypes = {name: str(types[name]) for name in view.values}
        views.append({**view.as_dict(), "version": view.version, "types": dtypes, "live_in": users})
    derived = {name: str(expression) for name, expression in features.derived.items()}
    return {"version": features.version, "inputs": list(features.inputs), "views": views, "derived": derived}


def show_view(project: Project, name: str) -> dict[str, Any]:
    """One view as `list_features` describes it; NotFound names the views there are."""
    views = list_features(project)["views"]
    for view in views:
        if view["name"] == name:
            found: dict[str, Any] = view
            return found
    raise NotFound(
        f'there is no view "{name}"',
        code="unknown_view",
        where="VIEW",
        hint=f"pipeline.py has {', '.join(view['name'] for view in views) or 'none'}",
    )


def diff_features(project: Project, other: str) -> dict[str, Any]:
    """What `pipeline.py` has now against what it had in `other`: a registered version's number, or a git commit."""
    now, then = load_pipeline(project).features, _definition(project, other)
    parts = {
        "views": _compare({view.name: _plain(view) for view in now.views}, {v.name: _plain(v) for v in then.views}),
        "derived": _compare(_expressions(now), _expressions(then)),
        "inputs": _compare({name: {} for name in now.inputs}, {name: {} for name in then.inputs}),
    }
    return {"other": other, "same": now.version == then.version, **parts}


def _compare(now: dict[str, dict[str, Any]], then: dict[str, dict[str, Any]]) -> dict[str, Any]:
    changed = {}
    for name in now.keys() & then.keys():
        here, there = now[name], then[name]
        fields = [field for field in here if here[field] != there[field]]
        if fields:
            changed[name] = {field: {"then": there[field], "now": here[field]} for field in fields}
    return {
        "added": sorted(now.keys() - then.keys()),
        "removed": sorted(then.keys() - now.keys()),
        "changed": dict(sorted(changed.items())),
    }


def _expressions(features: Features) -> dict[str, dict[str, Any]]:
    """Each derived feature in words, which leave some arguments out, and in full."""
    full = features.as_dict()["derived"]
    return {
        name: {"expression": str(expression), "definition": full[name]} for name, expression in features.derived.items()
    }


def _plain(view: View) -> dict[str, Any]:
    return {name: value for name, value in view.as_dict().items() if name != "name"}


def _live(project: Project) -> dict[int, Features]:
    state = fold(read_decisions(Lake(project.lake_path)))
    return {number: _registered(project, number) for number in (state.champion, state.challenger) if number is not None}


def _registered(project: Project, version: int) -> Features:
    return load_features(project, read_decisions(Lake(project.lake_path)), version)


def _definition(project: Project, other: str) -> Features:
    if other.isdecimal() and len(other) < 7:
        return _registered(project, int(other))
    try:
        packed = subprocess.run(
            ["git", "-C", str(project.root), "archive", "--format=tar", other, "."], capture_output=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.stderr.decode(errors="replace").strip() if isinstance(error, subprocess.CalledProcessError) else ""
        raise InvalidInput(
            f'"{other}" is neither a version nor a git commit of this project{": " + said if said else ""}',
            code="unknown_definition",
            where="OTHER",
            hint="`mlops history` lists the versions, `git log` the commits",
        ) from None
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        return load_pipeline(load_project(Path(folder), environment={})).features  # as it was written
