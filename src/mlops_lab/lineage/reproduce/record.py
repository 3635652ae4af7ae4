"""The record of a registered version: all that is needed to train it again, from its package and the decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from mlops_lab.errors import EnvironmentFault, InvalidInput, NotFound
from mlops_lab.lake import Lake
from mlops_lab.lineage.definitions import project_at
from mlops_lab.project import CONFIG_NAME, Project
from mlops_lab.registry.package import CODE_FOLDER, ENVIRONMENT_FILE, LINEAGE_FILE, REQUIREMENTS_FILE
from mlops_lab.registry.signing.package_files import PackageFiles
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import Decision
from mlops_lab.rollout.versions import find_version, open_package_of, package_folder
from mlops_lab.training.code_files import find_code
from mlops_lab.training.environment import Environment, InstalledPackage
from mlops_lab.training.pipeline import load_pipeline


class KeptSnapshot(msgspec.Struct, frozen=True):
    """A table at the version that was trained on, and the fingerprint of its rows."""

    table: str
    version: int
    fingerprint: str


class KeptLineage(msgspec.Struct, frozen=True):
    """What `lineage.json` says; `until` and `settings` are empty where an older release wrote it."""

    snapshots: tuple[KeptSnapshot, ...]
    training_set: str
    code: str
    environment: str
    commit: str = ""
    until: str = ""
    settings: tuple[str, ...] = ()
    imported: dict[str, str] = {}


@dataclass(frozen=True)
class VersionRecord:
    """A version with its code (by path), the environment that it was trained in (empty fields: not recorded), its data,
    and the moment as of which it was trained."""

    number: int
    package: Path
    fingerprint: str
    lineage: KeptLineage
    environment: Environment
    code: dict[str, bytes]
    until: datetime


def read_record(project: Project, number: int) -> VersionRecord:
    """The record of a version. NotFound where there is no such version, or its code was not kept and is not here any
    more; EnvironmentFault where its package is gone or was changed."""
    decisions = read_decisions(Lake(project.lake_path))
    live = find_version(decisions, number)
    package = package_folder(project, live)
    files = open_package_of(project, live).files
    try:
        lineage = msgspec.json.decode(files.read(LINEAGE_FILE), type=KeptLineage)
        environment = read_environment(files)
    except msgspec.MsgspecError as error:
        raise EnvironmentFault(
            f"cannot be read: {error}",
            code="bad_package",
            where=str(package),
            hint="restore the folder of the package from a backup",
        ) from None
    if lineage.imported:
        raise InvalidInput(
            f"version {number} was trained elsewhere: nothing here can train it again",
            code="imported_version",
            where=lineage.imported.get("from", ""),
            hint="`mlops import mlflow` imports it once more; `mlops audit` checks that its package is unchanged",
        )
    return VersionRecord(
        number=number,
        package=package,
        fingerprint=live.fingerprint,
        lineage=lineage,
        environment=environment,
        code=_read_code(files) or _find_code_of_older(project, number, lineage),
        until=datetime.fromisoformat(lineage.until) if lineage.until else _trained_at(decisions, number),
    )


def read_environment(files: PackageFiles) -> Environment:
    """What a package was trained in; of one of an older release the names and versions of what was installed."""
    if ENVIRONMENT_FILE in files.names():
        return msgspec.json.decode(files.read(ENVIRONMENT_FILE), type=Environment)
    lines = files.read(REQUIREMENTS_FILE).decode("utf-8").split()
    pairs = (line.partition("==") for line in lines)
    return Environment(packages=tuple(InstalledPackage(name=name, version=version) for name, _, version in pairs))


def _read_code(files: PackageFiles) -> dict[str, bytes]:
    folder = f"{CODE_FOLDER}/"
    return {name.removeprefix(folder): files.read(name) for name in files.names() if name.startswith(folder)}


def _find_code_of_older(project: Project, number: int, lineage: KeptLineage) -> dict[str, bytes]:
    """The code of a version whose release kept none: that of its commit, or the present files where they are the
    same."""
    if len(lineage.commit) == 40:
        try:
            with project_at(project, lineage.commit) as earlier:
                return {CONFIG_NAME: earlier.layers.text.encode(), **find_code(earlier.root)}
        except InvalidInput:  # the repository does not have the commit any more
            pass
    present = load_pipeline(project)
    if present.fingerprint == lineage.code:
        return {CONFIG_NAME: project.layers.text.encode(), **present.code}
    raise NotFound(
        f"its code was not kept: an older release registered it, from files that are in no commit ({lineage.commit}), "
        "and pipeline.py or mlops.toml have changed since",
        code="no_code",
        where=f"version {number}",
        hint="put the files of then back, and run it again; versions that are trained from now on keep their files",
    )


def _trained_at(decisions: Sequence[Decision], number: int) -> datetime:
    return next(item.at for item in decisions if item.version == number and "package" in item.evidence)
