"""Has every project that a test makes keep its state elsewhere: see `make test-store` and `make test-tracking`.

Python imports this module at its start, where its folder is in PYTHONPATH. What is read as the `mlops.toml` of a project
gets a section with a place of its own, unless it has that section:

    MLOPS_TEST_STORE = "s3://…"        [lake], an address in this object store
    MLOPS_TEST_TRACKING = "http://…"   [tracking], this MLflow server with a name for the project
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from hashlib import blake2b
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in _CHANGES:
            return None
        spec = PathFinder.find_spec(name, path, target)  # type: ignore[arg-type]
        if spec is not None and spec.loader is not None:
            spec.loader = _Changed(spec.loader, _CHANGES[name])
        return spec


class _Changed(Loader):
    def __init__(self, loader: Loader, change: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._change = change

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._change(module)


def _add_sections(module: ModuleType) -> None:
    read: Callable[[Path], str] = vars(module)["_read"]

    def read_with_sections(path: Path) -> str:
        text = read(path)
        place = blake2b(str(path.resolve().parent).encode(), digest_size=8).hexdigest()
        if (store := os.environ.get("MLOPS_TEST_STORE")) and "[lake]" not in text:
            text += f'\n[lake]\nuri = "{store}/{place}"\n'
        if (server := os.environ.get("MLOPS_TEST_TRACKING")) and "[tracking]" not in text:
            text += f'\n[tracking]\nuri = "{server}"\nname = "{place}"\n'
        return text

    vars(module)["_read"] = read_with_sections


def _copy_with_folders(module: ModuleType) -> None:
    from copied_versions import copy_with_folders

    copy_with_folders(module)


_CHANGES = {
    "mlops_lab.project.folder": _add_sections,
    "mlops_lab.registry.store.model_registry": _copy_with_folders,
}

if os.environ.keys() & {"MLOPS_TEST_STORE", "MLOPS_TEST_TRACKING"}:
    sys.meta_path.insert(0, _Finder())
