"""What an environment is exported from: the record of a version, or what is installed here."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from mlops_lab.errors import InvalidInput
from mlops_lab.lake import Lake
from mlops_lab.lineage.reproduce.environments import OWN_NAME
from mlops_lab.lineage.reproduce.record import read_environment
from mlops_lab.project import Project
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_version, open_package_of
from mlops_lab.training.environment import Environment, InstalledPackage, describe_environment
from mlops_lab.training.own_wheel import pack_wheel


@dataclass(frozen=True)
class Wheel:
    """A wheel that goes with the files: its path among them, its content, and the hash of that."""

    path: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The hash that pip and uv check."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def line(self) -> str:
        """Its line in a file of locked requirements."""
        return f"./{self.path} --hash=sha256:{self.sha256}"

    def write(self, folder: Path) -> None:
        """Write it into its place in the folder."""
        path = folder / self.path
        path.parent.mkdir()
        path.write_bytes(self.content)


@dataclass(frozen=True)
class EnvironmentSource:
    """An environment to export. `name`: of the project, as names of packages are written; `version`: None is the
    present environment. `own`: this package as a wheel, where it was installed from no package index."""

    name: str
    version: int | None
    environment: Environment
    own: Wheel | None

    @property
    def title(self) -> str:
        """What it is the environment of."""
        return f"{self.name}, version {self.version}" if self.version else f"{self.name}, as installed"

    @property
    def packages(self) -> tuple[InstalledPackage, ...]:
        """The packages to install, without this one where it goes along as a wheel. Of two copies of a package the
        first counts."""
        first = {package.name: package for package in reversed(self.environment.packages)}
        return tuple(first[name] for name in sorted(first) if not (name == OWN_NAME and self.own))

    @property
    def pins(self) -> list[str]:
        """A requirement of exactly its version for each package."""
        return [f"{one.name} @ {one.url}" if one.url else f"{one.name}=={one.version}" for one in self.packages]

    @property
    def is_other_code(self) -> bool:
        """Whether the wheel holds other code of this package than the environment had."""
        then = self.environment.mlops_lab
        return bool(self.own and then and then != describe_environment().mlops_lab)


def read_source(project: Project, version: int | None, *, compiled: bool = False) -> EnvironmentSource:
    """The environment of a version, or the present one. `compiled`: the wheel also holds what was compiled here, and is
    for machines like this one.

    NotFound where there is no such version; EnvironmentFault where its package is gone or was changed; InvalidInput
    where an older release did not record Python's version.
    """
    environment = describe_environment() if version is None else _environment_of(project, version)
    name = re.sub(r"[^a-z0-9]+", "-", project.name.lower()).strip("-") or "project"
    return EnvironmentSource(name, version, environment, own=_own_wheel(environment, compiled=compiled))


def _environment_of(project: Project, version: int) -> Environment:
    live = find_version(read_decisions(Lake(project.lake_path)), version)
    environment = read_environment(open_package_of(project, live).files)
    if not environment.python:
        raise InvalidInput(
            "an older release registered it, and did not record its version of Python",
            code="no_environment",
            where=f"version {version}",
            hint="export the present environment (give no VERSION), or a newer version",
        )
    return environment


def _own_wheel(environment: Environment, *, compiled: bool) -> Wheel | None:
    """This package as a wheel; None where a package index has it."""
    recorded = next((package for package in environment.packages if package.name == OWN_NAME), None)
    if recorded is not None and not recorded.url:
        return None
    name, content = pack_wheel(distribution(OWN_NAME), compiled=compiled)
    return Wheel(f"wheels/{name}", content)
