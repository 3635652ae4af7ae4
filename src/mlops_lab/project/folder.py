"""A project's folder: where everything lives, and the settings that hold there."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import msgspec

from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.project.declaration import type_of
from mlops_lab.project.faults import explain
from mlops_lab.project.layers import CONFIG_NAME, FILE, Layers, mark, strip
from mlops_lab.project.outside import overlay_environment, overlay_flags
from mlops_lab.project.references import check_references
from mlops_lab.project.sections import Settings

PIPELINE_NAME = "pipeline.py"


@dataclass(frozen=True)
class Project:
    """A project folder and its settings; knows where everything lives, and in `layers` where each setting was said."""

    root: Path
    settings: Settings
    layers: Layers = field(default_factory=Layers, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The project's name, also that of its registered model."""
        return self.settings.project.name

    @property
    def timezone(self) -> str:
        """The zone whose midnight ends a day."""
        return self.settings.project.timezone

    @property
    def task(self) -> str:
        """What is predicted, by the type of the label: "binary" (boolean), "multiclass" (string, whose categories are
        the classes) or "regression" (integer or float)."""
        source = self.settings.source
        kind = type_of(source.outcome[source.label])
        return {"boolean": "binary", "string": "multiclass"}.get(kind, "regression")

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of a multiclass task, in the order of its outputs; none for other tasks."""
        source = self.settings.source
        declared = source.outcome[source.label]
        return () if isinstance(declared, str) else tuple(declared.categories or ())

    @property
    def timed_by_arrival(self) -> bool:
        """Whether a request's moment is that of its arrival, because no request field holds one."""
        return self.settings.source.time not in self.settings.source.request

    @property
    def pipeline_path(self) -> Path:
        """`pipeline.py`."""
        return self.root / PIPELINE_NAME

    @cached_property
    def home(self) -> Path:
        """`.mlops`: all state of the project."""
        return self.root / ".mlops"

    @property
    def lake_path(self) -> Path:
        """Delta tables."""
        return self.home / "lake"

    @property
    def journal_path(self) -> Path:
        """What the server wrote down and the loop has still to move into the lake."""
        return self.home / "journal"

    @property
    def positions_path(self) -> Path:
        """How far the loop has moved the journals into the lake."""
        return self.home / "positions.json"

    @property
    def workers_path(self) -> Path:
        """What the workers of a server tell each other about themselves."""
        return self.home / "workers"

    @property
    def mlflow_path(self) -> Path:
        """MLflow's database and artifacts."""
        return self.home / "mlflow"

    @property
    def deployment_path(self) -> Path:
        """The routing table that servers follow."""
        return self.home / "deployment.json"

    @property
    def state_path(self) -> Path:
        """What a server needs to know of the past when it starts."""
        return self.home / "serving"

    @property
    def token_path(self) -> Path:
        """The token that changing anything in the server needs."""
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
        hint="change into a project folder, or make one with `mlops demo`",
    )


def load_project(root: Path, *, flags: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> Project:
    """The project in `root`, as `mlops.toml`, the environment (this process's own, where none is given) and the flags
    (`SECTION.KEY=VALUE`) have it, each over what was said before.

    InvalidInput names what is wrong: the line, the variable or the flag, and the key.
    """
    text = _read(root / CONFIG_NAME)
    try:
        tree = mark(tomllib.loads(text), FILE)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(
            f"is not valid TOML: {error}", code="bad_config", where=CONFIG_NAME, hint="mend the line named"
        ) from None
    tree = overlay_environment(tree, os.environ if environment is None else environment)
    layers = Layers(text, overlay_flags(tree, flags), tuple(flags))
    try:
        settings = msgspec.convert(strip(layers.tree), Settings)
    except msgspec.ValidationError as error:
        raise explain(str(error), layers) from None
    check_references(settings, layers)
    return Project(root.resolve(), settings, layers)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(
            f"cannot be read: {error.strerror}", code="no_project", where=str(path), hint="name a project folder"
        ) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InvalidInput(
            "is not UTF-8", code="bad_config", where=f"{CONFIG_NAME}, line {line}", hint="save the file as UTF-8"
        ) from None
