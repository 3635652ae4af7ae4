"""The rows that a registered version learned from, built again from its record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lineage.reproduce.record import VersionRecord, read_record
from mlops_lab.lineage.reproduce.reproduce import find_erased, write_code, write_tables
from mlops_lab.lineage.reproduce.task import PROJECT_FOLDER
from mlops_lab.project import LOCAL_LAKE, Project, load_project
from mlops_lab.registry.package import LINEAGE_FILE, read_file
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.training.candidate import prepare_candidate
from mlops_lab.training.training_set import TrainingSet


class _KeptWindow(msgspec.Struct, frozen=True):
    window: str = "all"


def read_training_set(project: Project, number: int) -> TrainingSet:
    """The rows that a version learned from, without those that were erased since; the project is only read.

    The code of the version runs, in this process. EnvironmentFault where other rows come out, or something that the
    record needs is gone.
    """
    record = read_record(project, number)
    with TemporaryDirectory(prefix="mlops-rows-") as place:
        write_code(Path(place), record)
        write_tables(project, Path(place), record)
        earlier = _load_earlier(Path(place), record)
        learned = prepare_candidate(earlier, open_lake(earlier), now=record.until).learned
    if learned.fingerprint != record.lineage.training_set and not find_erased(project, record):
        raise EnvironmentFault(
            "the rows that it was trained on do not come out again",
            code="other_rows",
            where=f"version {number}",
            hint=f"`mlops reproduce {number}` names what differs",
        )
    return learned


def _load_earlier(place: Path, record: VersionRecord) -> Project:
    """The project as the version was trained in it, with the window of rows that was chosen then."""
    flags = [*record.lineage.settings, LOCAL_LAKE]
    earlier = load_project(place / PROJECT_FOLDER, flags=flags, environment={})
    kept = msgspec.json.decode(read_file(record.package, LINEAGE_FILE), type=_KeptWindow)
    training = msgspec.structs.replace(earlier.settings.training, window=kept.window)
    return replace(earlier, settings=msgspec.structs.replace(earlier.settings, training=training))
