"""A file in which a learner's progress is kept: JSON with the number of its format, which people may look at."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from mlops_lab.errors import InvalidInput
from mlops_lab.files import disk_fault, write_atomically

_Record = TypeVar("_Record", bound=Struct)


def read_learner_file(
    path: Path, kind: type[_Record], *, newest_format: int, what: str, code: str, hint: str
) -> _Record:
    """What the file holds; InvalidInput where it is no `what` (with this code and hint), or of a newer release."""
    try:
        content = msgspec.json.decode(path.read_bytes())
        number = content.get("format") if isinstance(content, dict) else None
        if isinstance(number, int) and number > newest_format:
            raise InvalidInput(
                f"was written by a newer mlops-lab (format {number}; this one reads up to {newest_format})",
                code="newer_format",
                where=str(path),
                hint="pip install --upgrade mlops-lab",
            )
        return msgspec.convert(content, kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput(f"is no {what}: {error}", code=code, where=str(path), hint=hint) from None


def write_learner_file(path: Path, record: Struct) -> None:
    """Replace the file."""
    try:
        write_atomically(path, msgspec.json.format(msgspec.json.encode(record)) + b"\n")
    except OSError as error:
        raise disk_fault(error, path) from error
