"""What a copy of a project's folder gets at the tracking server of `make test-tracking`.

Tests train a project once and copy its folder. Each copy has a name of its own at the server, so that none sees what
another trains. Before its registry is opened first, the versions whose packages were copied are registered there again.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Any


def copy_with_folders(module: ModuleType) -> None:
    """Change `registry.store.model_registry`, when it has been imported."""
    registry = module.ModelRegistry
    opened = registry.__init__

    def open_copied(self: Any, path: Path, *, name: str, server: str = "", creates: bool = True) -> None:
        if server and server == os.environ.get("MLOPS_TEST_TRACKING"):
            _copy_versions(path, name=name, server=server)
        opened(self, path, name=name, server=server, creates=creates)

    def _copy_versions(path: Path, *, name: str, server: str) -> None:
        runs = [folder.name for folder in path.glob("*") if (folder / "artifacts/model").is_dir()]
        if not runs:
            return
        from mlflow.tracking import MlflowClient

        from mlops_lab.files import locked

        client = MlflowClient(server, registry_uri=server)
        with locked(path):  # and no file of its own: tests look at what is in the folder
            if client.get_experiment_by_name(name) is None:
                _copy(client, path, runs, name=name, server=server)

    def _copy(client: Any, path: Path, runs: list[str], *, name: str, server: str) -> None:
        from mlops_lab.registry.store.open_registry import _copy_version

        found = [version for run in runs for version in client.search_model_versions(f"run_id='{run}'")]
        if not found:  # they were registered at another server
            return
        target = registry.__new__(registry)
        opened(target, path, name=name, server=server)
        for number, version in enumerate(sorted(found, key=lambda version: int(version.version)), start=1):
            assert int(version.version) == number, "a version between them has no package in the copy"
            source = registry.__new__(registry)
            opened(source, path, name=version.name, server=server)
            _copy_version(source, target, number)
            for alias, aliased in client.get_registered_model(version.name).aliases.items():
                if int(aliased) == number:
                    target.set_stage(alias, number)

    registry.__init__ = open_copied
