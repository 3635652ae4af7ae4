"""Errors of delta-rs and of the disk, as errors of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from deltalake.exceptions import DeltaError

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake.object_store import store_fault

_SYSTEM_ERROR = re.compile(r"(?:os error |Os \{ code: )(\d+)")
"""The number of an error of the operating system, in the two forms in which delta-rs writes it."""
_STORE_ERROR = re.compile(r"Generic (S3|GCS|MicrosoftAzure) error")


def lake_fault(error: Exception, name: str, path: Path) -> EnvironmentFault:
    """The error with its cause in the operating system, from an error of delta-rs or Python."""
    if _STORE_ERROR.search(str(error)):
        return store_fault(error, f'table "{name}"')
    number = getattr(error, "errno", None) or next(iter(_SYSTEM_ERROR.findall(str(error))), None)
    reasons = {
        28: ("the disk is full", "free some space and run it again: no incomplete data was left"),
        30: ("the disk is read-only", "make it writable, or move the project"),
        13: ("permission denied", "check the owner and the permissions of the folder"),
    }
    what, hint = reasons.get(
        int(number) if number else 0,
        (
            str(error).splitlines()[0][:200],
            "if a field has changed its type, change it back; if a file is damaged, restore it from a backup",
        ),
    )
    return EnvironmentFault(what, code="lake_fault", where=f'table "{name}" in {path}', hint=hint)


@contextmanager
def as_lake_faults(name: str, path: Path) -> Iterator[None]:
    """Errors of delta-rs, Polars and the disk as `lake_fault`."""
    try:
        yield
    except (DeltaError, OSError, pl.exceptions.PolarsError) as error:
        raise lake_fault(error, name, path) from error
    except Exception as error:
        if type(error) is not Exception:  # delta-rs raises a bare one where a value does not fit its column
            raise
        raise lake_fault(error, name, path) from error
