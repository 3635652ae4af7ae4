"""What `mlops ci --json` prints."""

from __future__ import annotations

from msgspec import Struct


class CIRecord(Struct, frozen=True, kw_only=True):
    """`mlops ci init`: by file "new", "changed" or "same", as it was found, and whether they were `written`."""

    schema_version: int = 1
    files: dict[str, str]
    written: bool
