"""What `mlops backup --json` and `mlops restore --json` print."""

from __future__ import annotations

from msgspec import Struct


class BackupRecord(Struct, frozen=True, kw_only=True):
    """`mlops backup`: the folder that was written, when, and how much is in it."""

    schema_version: int = 1
    folder: str
    project: str
    made_at: str
    files: int
    bytes: int


class RestoreRecord(Struct, frozen=True, kw_only=True):
    """`mlops restore`: the folder of the project, when the backup was made, and how much was in it."""

    schema_version: int = 1
    folder: str
    project: str
    made_at: str
    files: int
    bytes: int
