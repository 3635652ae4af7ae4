"""Restoring a project from a backup, once all of it has been checked."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

import msgspec

from mlops_lab.errors import InvalidInput
from mlops_lab.files import check_path, disk_fault
from mlops_lab.project.layers import CONFIG_NAME
from mlops_lab.runtime.backup import (
    CONTENT,
    FORMAT,
    MANIFEST,
    BackupFile,
    Manifest,
    check_empty,
    describe_file,
    sync_tree,
)


class _Format(msgspec.Struct):
    """The part of a manifest that every version has."""

    format: int


def restore_backup(backup: Path, folder: Path) -> Manifest:
    """Make the project again, in a new or empty folder; it goes on from there with `mlops up`.

    InvalidInput, and nothing is written, where the folder is not empty, or the backup is none, is damaged, or was made
    by a newer version.
    """
    manifest = read_manifest(backup)
    check_path(folder)
    check_empty(folder)
    if folder.resolve().is_relative_to(backup.resolve()):
        raise InvalidInput(
            "is inside of the backup", code="bad_folder", where=str(folder), hint="choose a folder elsewhere"
        )
    content = backup / CONTENT
    for file in manifest.files:
        _check_file(file, content)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in sorted(manifest.files, key=lambda file: file.path == CONFIG_NAME):  # it makes the folder a project
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(content / file.path, target, follow_symlinks=False)
        sync_tree(folder)
    except OSError as error:
        raise disk_fault(error, folder) from error
    return manifest


def read_manifest(backup: Path) -> Manifest:
    """What a backup holds; InvalidInput where the folder is none, or was made by a newer version."""
    try:
        text = (backup / MANIFEST).read_bytes()
        found = msgspec.json.decode(text, type=_Format).format
        if found > FORMAT:
            raise InvalidInput(
                f"was made by a newer version of mlops-lab (its format is {found}, and this version reads {FORMAT})",
                code="newer_backup",
                where=str(backup),
                hint="upgrade mlops-lab",
            )
        manifest = msgspec.json.decode(text, type=Manifest)
    except (OSError, msgspec.MsgspecError):
        manifest = None
    if manifest is None or not all(map(_is_inside, manifest.files)):
        raise InvalidInput(
            f"is not a backup: it has no readable {MANIFEST}",
            code="not_a_backup",
            where=str(backup),
            hint="`mlops backup` makes one; a plain copy of a project is used where it is, with `mlops up`",
        )
    return manifest


def _is_inside(file: BackupFile) -> bool:
    path = PurePosixPath(file.path)
    return not path.is_absolute() and ".." not in path.parts and bool(path.parts)


def _check_file(file: BackupFile, content: Path) -> None:
    path = content / file.path
    try:
        is_whole = path.resolve().is_relative_to(content.resolve()) or path.is_symlink()
        is_whole = is_whole and describe_file(path, content) == file
    except OSError:
        is_whole = False
    if not is_whole:
        raise InvalidInput(
            "is missing, or is not what was backed up",
            code="damaged_backup",
            where=str(path),
            hint="restore another backup: nothing was written",
        )
