"""The process that trains a version again: `python -m mlops_lab.lineage.reproduce.train_again FOLDER`."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import msgspec

from mlops_lab.errors import MlopsError
from mlops_lab.lineage.reproduce.task import (
    ERROR_FILE,
    INPUTS_FILE,
    PACKAGES_FOLDER,
    PROJECT_FOLDER,
    RESULT_FILE,
    TASK_FILE,
    Task,
    TrainedAgain,
    TrainingError,
    write_json,
)
from mlops_lab.loop.retrain import train_version
from mlops_lab.project import LOCAL_LAKE, load_project
from mlops_lab.registry.store.folder_registry import FolderRegistry
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.training.candidate import prepare_candidate
from mlops_lab.training.environment import describe_environment
from mlops_lab.training.progress import silent

COMPARED_ROWS = 10_000


def train_again(folder: Path) -> TrainedAgain:
    """Train what the folder holds, as the loop would; the inputs of some training rows are written beside it."""
    task = msgspec.json.decode((folder / TASK_FILE).read_bytes(), type=Task)
    project = load_project(folder / PROJECT_FOLDER, flags=[*task.settings, LOCAL_LAKE], environment={})
    lake = open_lake(project)
    tables = {name: lake.snapshot(name).fingerprint for name in task.tables}
    candidate = prepare_candidate(project, lake, now=task.until)
    registry = FolderRegistry(folder / PACKAGES_FOLDER, task.number - 1)
    candidate, version = train_version(project, registry, candidate, now=task.until, report=silent)
    candidate.learned.inputs.head(COMPARED_ROWS).write_parquet(folder / INPUTS_FILE)
    return TrainedAgain(
        package=str(version.package.relative_to(folder)),
        fingerprint=version.fingerprint,
        tables=tables,
        training_set=candidate.learned.fingerprint,
        code=candidate.pipeline.fingerprint,
        environment=describe_environment(),
        imported=tuple(sorted(_imported_packages())),
    )


def _imported_packages() -> set[str]:
    owners = importlib.metadata.packages_distributions()
    return {owner.lower() for name in sys.modules if "." not in name for owner in owners.get(name, ())}


def main(folder: Path) -> int:
    """Train, and write the result or the error into the folder."""
    try:
        write_json(folder / RESULT_FILE, train_again(folder))
    except MlopsError as error:
        write_json(folder / ERROR_FILE, TrainingError(what=error.what, where=error.where, hint=error.hint))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
