"""The error that ends a command, as `--json` prints it."""

from __future__ import annotations

from msgspec import Struct


class ErrorDetails(Struct, frozen=True, kw_only=True):
    """An error: a stable code, what happened, where, and how to fix it."""

    code: str
    what: str
    where: str | None
    hint: str | None


class ErrorRecord(Struct, frozen=True, kw_only=True):
    """The error that ended a command, and the command's exit code."""

    schema_version: int = 1
    error: ErrorDetails
    exit_code: int
