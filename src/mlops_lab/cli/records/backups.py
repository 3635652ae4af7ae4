"""What `mlops backup --json` and `mlops restore --json` print."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from mlops_lab.runtime.backup import Manifest


class BackupRecord(Struct, frozen=True, kw_only=True):
    """The folder that was written, of the backup or of the restored project; when the backup was made, and how much is
    in it."""

    schema_version: int = 1
    folder: str
    project: str
    made_at: str
    files: int
    bytes: int


def record_backup(manifest: Manifest, folder: Path) -> BackupRecord:
    """The record of a backup that was written into a folder, or restored into it."""
    return BackupRecord(
        folder=str(folder),
        project=manifest.project,
        made_at=manifest.made_at.isoformat(),
        files=len(manifest.files),
        bytes=manifest.total_bytes,
    )
