"""A package from a tracking server: downloaded, checked, and only then where the project looks for it."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from mlops_lab.errors import EnvironmentFault
from mlops_lab.files import locked, sync_file, sync_folder
from mlops_lab.registry.package import open_package
from mlops_lab.registry.store.server_store import ServerStore

_NEW = ".new-"


def fetch_package(store: ServerStore, model_id: str, package: Path, *, fingerprint: str, home: Path | None) -> None:
    """Place the files of a logged model in the folder `package`, where they are what was registered, and signed where
    the project signs; else EnvironmentFault, and nothing of them is kept. Nothing where the folder is there."""
    store.packages.mkdir(parents=True, exist_ok=True)
    with locked(store.packages / ".lock"):
        if package.is_dir():  # another process was first
            return
        for leftover in store.packages.glob(f"{_NEW}*"):  # of a process that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        with TemporaryDirectory(dir=store.packages, prefix=_NEW) as folder:
            copy = store.download(model_id, Path(folder))
            _check(copy, store, model_id, fingerprint=fingerprint, home=home)
            for file in copy.rglob("*"):
                (sync_folder if file.is_dir() else sync_file)(file)
            package.parent.mkdir(parents=True, exist_ok=True)
            copy.replace(package)
        sync_folder(package.parent)


def _check(copy: Path, store: ServerStore, model_id: str, *, fingerprint: str, home: Path | None) -> None:
    try:
        open_package(copy, fingerprint=fingerprint, home=home)
    except EnvironmentFault as fault:
        raise EnvironmentFault(
            f"the package that the tracking server has {fault.what}",
            code=fault.code,
            where=f"{store.server}, models:/{model_id}",
            hint="nothing of it was kept; restore its files in the server's artifact store, or `mlops rollback`",
        ) from fault
