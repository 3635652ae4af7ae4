"""What is handed to the process that trains a version again, and what it hands back: files in one folder."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from mlops_lab.training.environment import Environment

PROJECT_FOLDER, PACKAGES_FOLDER, VENV_FOLDER, OWN_FOLDER = "project", "packages", "venv", "mlops-lab"
TASK_FILE, RESULT_FILE, ERROR_FILE, INPUTS_FILE = "task.json", "result.json", "error.json", "inputs.parquet"


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """The version to train again, as of when, and the settings that did not stand in `mlops.toml`."""

    number: int
    until: datetime
    settings: tuple[str, ...]
    tables: tuple[str, ...]


class TrainedAgain(msgspec.Struct, frozen=True, kw_only=True):
    """The version that was trained again: its package below the folder, and what it was made of. `tables` has the
    fingerprint of each table, `imported` the names of the packages that the training has imported."""

    package: str
    fingerprint: str
    tables: dict[str, str]
    training_set: str
    code: str
    environment: Environment
    imported: tuple[str, ...]


class TrainingError(msgspec.Struct, frozen=True, kw_only=True):
    """Why the training failed."""

    what: str
    where: str | None
    hint: str | None


def write_json(path: Path, value: msgspec.Struct) -> None:
    """Write a record, for people as well."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value)))
