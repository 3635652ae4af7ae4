"""A registered version trained again, in a folder of its own, and compared byte by byte."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import polars as pl

from mlops_lab.errors import EnvironmentFault, InvalidInput, MlopsError
from mlops_lab.inference.predictor import Predictor
from mlops_lab.lake import Lake
from mlops_lab.lake.history import read_history
from mlops_lab.lineage.records import ErasedRows, Reproduction
from mlops_lab.lineage.reproduce.differences import find_differences
from mlops_lab.lineage.reproduce.environments import make_environment
from mlops_lab.lineage.reproduce.record import VersionRecord, read_record
from mlops_lab.lineage.reproduce.task import (
    ERROR_FILE,
    INPUTS_FILE,
    OWN_FOLDER,
    PROJECT_FOLDER,
    RESULT_FILE,
    TASK_FILE,
    Task,
    TrainedAgain,
    TrainingError,
    write_json,
)
from mlops_lab.project import Project
from mlops_lab.runtime.backup import check_empty
from mlops_lab.training.environment import THREAD_VARIABLES, environment_fingerprint
from mlops_lab.training.progress import Report

_MODULE = "mlops_lab.lineage.reproduce.train_again"
_PACKAGE = Path(__file__).parents[2]


def reproduce(
    project: Project, number: int, *, folder: Path | None, same_environment: bool, report: Report
) -> Reproduction:
    """Train a version again from its record, and compare it; the project is only read.

    `folder` keeps all that was made (None: it is thrown away). With `same_environment` no new environment is made, also
    where the present one is another. NotFound where there is no such version; EnvironmentFault where something that its
    record needs is gone, or cannot be installed; InvalidInput where the folder is not empty, or part of the project.
    """
    record = read_record(project, number)
    with _work_in(project, folder) as place:
        report("code")
        write_code(place, record)
        report("data")
        write_tables(project, place, record)
        erased = find_erased(project, record)
        is_present = same_environment or record.lineage.environment == environment_fingerprint()
        report("environment")
        python = Path(sys.executable) if is_present else make_environment(place, record.environment)
        report("training")
        trained = _train(place, record, python, erased, is_present=is_present)
        report("comparing")
        same = trained.fingerprint == record.fingerprint
        largest, rows = (0.0, None) if same else _largest_difference(place, record, trained)
        return Reproduction(
            version=number,
            same=same,
            fingerprint=record.fingerprint,
            fingerprint_again=trained.fingerprint,
            differences=find_differences(record, trained),
            largest=largest,
            compared_rows=rows,
            new_environment=not is_present,
            folder=str(place) if folder is not None else None,
            erased=erased,
        )


@contextmanager
def _work_in(project: Project, folder: Path | None) -> Iterator[Path]:
    if folder is None:
        with TemporaryDirectory(prefix="mlops-reproduce-") as temporary:
            yield Path(temporary)
        return
    check_empty(folder)
    if folder.resolve().is_relative_to(project.root):
        raise InvalidInput(
            "is inside of the project", code="bad_folder", where=str(folder), hint="choose a folder elsewhere"
        )
    folder.mkdir(parents=True, exist_ok=True)
    yield folder.resolve()


def write_code(place: Path, record: VersionRecord) -> None:
    """Write the code of the version into the folder, and what is asked of the process that trains it."""
    for name, content in record.code.items():
        path = place / PROJECT_FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    task = Task(
        number=record.number,
        until=record.until,
        settings=record.lineage.settings,
        tables=tuple(snapshot.table for snapshot in record.lineage.snapshots),
    )
    write_json(place / TASK_FILE, task)


def write_tables(project: Project, place: Path, record: VersionRecord) -> None:
    """Copy the rows of each table at the version that was trained on into a lake of the folder."""
    kept = Lake(project.lake_path)
    lake = Lake(place / PROJECT_FOLDER / project.lake_path.relative_to(project.root))
    for snapshot in record.lineage.snapshots:
        try:
            rows = kept.read(snapshot.table, version=snapshot.version, as_stored=True)
        except MlopsError as error:
            raise EnvironmentFault(
                f"its data is not stored any more: {error.what}",
                code="data_gone",
                where=f"version {record.number}, table {snapshot.table}@{snapshot.version}",
                hint="`mlops restore` a backup of that time, and reproduce the version there",
            ) from error
        lake.append(snapshot.table, rows)


def find_erased(project: Project, record: VersionRecord) -> list[ErasedRows]:
    """What was erased of the tables at the versions that a version was trained on."""
    lake = Lake(project.lake_path)
    found = []
    for snapshot in record.lineage.snapshots:
        pinned = read_history(lake.table_path(snapshot.table)).pinned.get(snapshot.version)
        if pinned is not None and pinned.erased_rows:
            found.append(ErasedRows(table=snapshot.table, version=snapshot.version, rows=pinned.erased_rows))
    return found


def _train(
    place: Path, record: VersionRecord, python: Path, erased: Sequence[ErasedRows], *, is_present: bool
) -> TrainedAgain:
    command = [str(python), "-P", "-m", _MODULE, str(place)]
    environment = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
    environment |= record.environment.variables
    if not is_present:  # the present code of this package, and nothing else of the present environment
        (place / OWN_FOLDER).mkdir()
        (place / OWN_FOLDER / _PACKAGE.name).symlink_to(_PACKAGE, target_is_directory=True)
        environment |= {"PYTHONPATH": str(place / OWN_FOLDER), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=place / PROJECT_FOLDER, env=environment, capture_output=True, text=True, check=False
    )
    if (place / ERROR_FILE).exists():
        error = msgspec.json.decode((place / ERROR_FILE).read_bytes(), type=TrainingError)
        on_rest = "on the rows that were not erased since" if erased else "again"
        raise EnvironmentFault(
            f"trained {on_rest}, it fails: {error.what}", code="not_trained", where=error.where, hint=error.hint
        )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise EnvironmentFault(
            f"trained again, it fails: {lines[-1][:400]}",
            code="not_trained",
            where=f"version {record.number}",
            hint=f"give --dir FOLDER, which keeps what was made; `{python.name} -m {_MODULE} FOLDER` shows all of it",
        )
    return msgspec.json.decode((place / RESULT_FILE).read_bytes(), type=TrainedAgain)


def _largest_difference(place: Path, record: VersionRecord, trained: TrainedAgain) -> tuple[float | None, int]:
    """The largest difference between the answers of both to training rows, in the unit of the answers (None: they do
    not answer the same rows), and the number of rows."""
    first = Predictor(record.package, version=record.number)
    again = Predictor(place / trained.package, version=record.number)
    inputs = pl.read_parquet(place / INPUTS_FILE)
    if list(first.features.inputs) != inputs.columns or first.plan.classes != again.plan.classes:
        return None, inputs.height
    answers = [np.asarray(predictor.score(inputs).to_list(), dtype=np.float64) for predictor in (first, again)]
    apart = np.abs(answers[0] - answers[1])
    apart = apart[~(np.isnan(answers[0]) & np.isnan(answers[1]))]
    return (None if np.isnan(apart).any() else float(np.max(apart, initial=0.0))), inputs.height
