"""What is to be told of the last day that was measured: for `mlops status`, and for the metrics of a server."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec


class DayWarnings(msgspec.Struct, frozen=True):
    """The end of the day, the champion whose inputs were measured, and what differs from its training."""

    at: datetime
    version: int
    texts: tuple[str, ...] = ()
    format: Literal[1] = 1


def read_day_warnings(path: Path, *, champion: int | None) -> tuple[str, ...]:
    """What is to be told while this version is the champion; nothing where none were written."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=DayWarnings)
    except (OSError, msgspec.MsgspecError):
        return ()
    return found.texts if found.version == champion else ()
