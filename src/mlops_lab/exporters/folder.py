"""A folder that is written whole or not at all, and never over files of somebody else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops_lab.errors import InvalidInput
from mlops_lab.files import disk_fault
from mlops_lab.ids import new_id


@contextmanager
def fill_new_folder(folder: Path) -> Iterator[Path]:
    """An empty folder to write into; what was written is in `folder` afterwards, or nowhere if an error was raised.

    InvalidInput where `folder` exists and is not an empty folder.
    """
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        hint = "name an empty or a new folder"
        raise InvalidInput("is not an empty folder", code="folder_taken", where=str(folder), hint=hint)
    draft = folder.with_name(f".{folder.name}.{new_id()[:8]}.part")
    try:
        draft.mkdir(parents=True)
        yield draft
        if folder.exists():  # it may be the current folder of a shell: fill it, do not replace it
            for file in draft.iterdir():
                file.replace(folder / file.name)
        else:
            draft.replace(folder)
    except OSError as error:
        raise disk_fault(error, folder) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
