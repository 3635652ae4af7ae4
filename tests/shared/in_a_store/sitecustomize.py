"""Has every project that a test makes keep its tables in an object store: see `make test-store`.

Python imports this module at its start, where its folder is in PYTHONPATH. With MLOPS_TEST_STORE = "s3://…", what is read
as the `mlops.toml` of a project gets a section `[lake]` with an address of its own, unless it has one.
"""

from __future__ import annotations

import os
import sys
from hashlib import blake2b
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

STORE = os.environ.get("MLOPS_TEST_STORE")
MODULE = "mlops_lab.project.folder"


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != MODULE:
            return None
        spec = PathFinder.find_spec(name, path, target)  # type: ignore[arg-type]
        if spec is not None and spec.loader is not None:
            spec.loader = _Patched(spec.loader)
        return spec


class _Patched(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        read = module._read

        def read_with_store(path: Path) -> str:
            text: str = read(path)
            if "[lake]" in text:
                return text
            place = blake2b(str(path.resolve().parent).encode(), digest_size=8).hexdigest()
            return f'{text}\n[lake]\nuri = "{STORE}/{place}"\n'

        module._read = read_with_store


if STORE:
    sys.meta_path.insert(0, _Finder())
