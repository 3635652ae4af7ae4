"""The folder of a project: its settings, and the paths of everything in it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import msgspec

from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.files import check_path
from mlops_lab.project.declaration import type_of
from mlops_lab.project.layers import CONFIG_NAME, FILE, Layers, values_of, with_origin
from mlops_lab.project.overrides import apply_environment, apply_flags
from mlops_lab.project.references import check_references
from mlops_lab.project.sections import Settings
from mlops_lab.project.validation_errors import explain_validation_error

PIPELINE_NAME = "pipeline.py"
LOCAL_LAKE = "lake.uri="
"""The flag for a copy of a project: what happens to its tables must not reach those in an object store."""


@dataclass(frozen=True)
class Project:
    """A project: its folder, its settings, and `layers`, which knows where each setting was set."""

    root: Path
    settings: Settings
    layers: Layers = field(default_factory=Layers, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The project's name, which is also the name of its registered model where it has no tracking server."""
        return self.settings.project.name

    @property
    def name_at_server(self) -> str:
        """The name of its registered model and of its experiment at the tracking server."""
        return self.settings.tracking.name or self.name

    @property
    def timezone(self) -> str:
        """The time zone whose midnight ends a day."""
        return self.settings.project.timezone

    @property
    def task(self) -> str:
        """The kind of prediction, from the type of the label: "binary" (boolean), "multiclass" (string; its categories
        are the classes) or "regression" (integer or float)."""
        source = self.settings.source
        kind = type_of(source.outcome[source.label])
        return {"boolean": "binary", "string": "multiclass"}.get(kind, "regression")

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of a multiclass task, in the order of its outputs; empty for other tasks."""
        source = self.settings.source
        declared = source.outcome[source.label]
        return () if isinstance(declared, str) else tuple(declared.categories or ())

    @property
    def timed_by_arrival(self) -> bool:
        """Whether the time of a request is that of its arrival, because no request field has a time."""
        return self.settings.source.time not in self.settings.source.request

    @property
    def pipeline_path(self) -> Path:
        """`pipeline.py`."""
        return self.root / PIPELINE_NAME

    @cached_property
    def home(self) -> Path:
        """`.mlops`, which contains all state of the project."""
        return self.root / ".mlops"

    @property
    def lake_path(self) -> Path:
        """The folder of the Delta tables."""
        return self.home / "lake"

    @property
    def journal_path(self) -> Path:
        """The journal: records of the server that the loop has yet to move into the lake."""
        return self.home / "journal"

    @property
    def positions_path(self) -> Path:
        """How much of each journal the loop has moved into the lake."""
        return self.home / "positions.json"

    @property
    def ids_path(self) -> Path:
        """The id indexes: all ids that were ever logged (`outcomes.id_index`)."""
        return self.home / "ids"

    @property
    def undone_path(self) -> Path:
        """The tables of which half-written commits were undone, until the intake has completed them."""
        return self.home / "undone.json"

    @property
    def warnings_path(self) -> Path:
        """What is to be told of the last day that was measured (`tables.day_warnings`)."""
        return self.home / "warnings.json"

    @property
    def verdict_path(self) -> Path:
        """The loop's verdict on the newest rollout (`tables.rollout_verdict`)."""
        return self.home / "verdict.json"

    @property
    def workers_path(self) -> Path:
        """The folder in which the workers of a server publish their state for each other."""
        return self.home / "workers"

    @property
    def downloads_path(self) -> Path:
        """The folder of the files that were downloaded from the addresses of the project's data."""
        return self.home / "downloads"

    @property
    def mlflow_path(self) -> Path:
        """MLflow's database and artifacts, where the project has no tracking server."""
        return self.home / "mlflow"

    @property
    def packages_path(self) -> Path:
        """The packages of versions that are registered at a tracking server: those that this machine has needed."""
        return self.home / "packages"

    @property
    def loading_path(self) -> Path:
        """Is there while data files are loaded into the lake, until servers start from a state that has their rows."""
        return self.home / "loading"

    @property
    def named_path(self) -> Path:
        """The version that MLflow's alias `champion` was last set to."""
        return self.home / "named-champion"

    @property
    def deployment_path(self) -> Path:
        """The routing table, which servers follow."""
        return self.home / "deployment.json"

    @property
    def deployment_lock_path(self) -> Path:
        """Locked by the process that reads the routing table to replace it."""
        return self.home / "deployment.lock"

    @property
    def state_lock_path(self) -> Path:
        """Locked by the process that prepares the state from which a server starts."""
        return self.home / "serving.lock"

    @property
    def state_path(self) -> Path:
        """The state from which a server starts."""
        return self.home / "serving"

    @property
    def token_path(self) -> Path:
        """The token that requests need to change anything in the server."""
        return self.home / "token"


def find_project(start: Path, *, flags: Sequence[str] = ()) -> Project:
    """The project in `start` or in the nearest folder above it; NotFound where there is none."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / CONFIG_NAME).is_file():
            return load_project(folder, flags=flags)
    raise NotFound(
        f"no {CONFIG_NAME} here or in a folder above",
        code="no_project",
        where=str(start),
        hint="change into a project folder, or make one: `mlops init NAME --data FILE`, or `mlops demo`",
    )


def load_project(root: Path, *, flags: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> Project:
    """The project in `root`, with the settings of `mlops.toml`, the environment and the flags (`SECTION.KEY=VALUE`).

    Each layer overrides the one before. `environment`: None is the environment of this process. InvalidInput names the
    line, the variable or the flag that is wrong, and the key.
    """
    text = _read(root / CONFIG_NAME)
    try:
        tree = with_origin(tomllib.loads(text), FILE)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(
            f"is not valid TOML: {error}", code="bad_config", where=CONFIG_NAME, hint="fix this line"
        ) from None
    tree = apply_environment(tree, os.environ if environment is None else environment)
    layers = Layers(text, apply_flags(tree, flags), tuple(flags))
    try:
        settings = msgspec.convert(values_of(layers.tree), Settings)
    except msgspec.ValidationError as error:
        raise explain_validation_error(str(error), layers) from None
    check_references(settings, layers)
    check_path(root.resolve())
    return Project(root.resolve(), settings, layers)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(
            f"cannot be read: {error.strerror}",
            code="no_project",
            where=str(path),
            hint="check the project folder",
        ) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InvalidInput(
            "is not UTF-8", code="bad_config", where=f"{CONFIG_NAME}, line {line}", hint="save the file as UTF-8"
        ) from None
