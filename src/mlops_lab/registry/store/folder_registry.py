"""A registry without MLflow, for versions that are only looked at: by a backtest, or by `mlops reproduce`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mlops_lab.registry.package import fingerprint_content
from mlops_lab.registry.signing.keyring import read_keys
from mlops_lab.registry.signing.sign import need_signing_key, sign_package
from mlops_lab.registry.store.records import Curve, RegisteredVersion, VersionContent, write_content


@dataclass
class FolderRegistry:
    """Versions in a folder; their numbers follow `last_number`. They are used by the project with the state folder
    `home`: signed, where it signs (None: by no project)."""

    folder: Path
    last_number: int
    home: Path | None = None
    _versions: dict[str, RegisteredVersion] = field(default_factory=dict)

    def find(self, candidate: str) -> RegisteredVersion | None:
        """The version of that candidate, also where something else has trained it."""
        return self._versions.get(candidate)

    def register(
        self, content: VersionContent, *, candidate: str, run_name: str, moment: datetime
    ) -> RegisteredVersion:
        """Write the package and give it the next number."""
        del run_name, moment
        self.last_number += 1
        package = self.folder / str(self.last_number)
        write_content(package, content)
        if self.home is not None and (keys := read_keys(self.home)) is not None:
            sign_package(package, need_signing_key(self.home, keys), home=self.home)
        fingerprint = fingerprint_content(content.model, content.plan)
        self._versions[candidate] = RegisteredVersion(self.last_number, "", package, fingerprint)
        return self._versions[candidate]

    def log_metrics(
        self,
        version: RegisteredVersion,
        metrics: Mapping[str, float],
        *,
        moment: datetime,
        curves: Mapping[str, Curve],
    ) -> None:
        """Nothing: the decision has the figures."""

    def set_stage(self, alias: str, number: int) -> None:
        """Nothing: only the decisions tell."""
