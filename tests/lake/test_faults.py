"""Errors of the lake name the table, and the cause where the operating system tells it."""

from __future__ import annotations

import errno
from pathlib import Path

import polars as pl
import pytest
from deltalake.exceptions import DeltaError

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake.faults import as_lake_faults

TABLE = Path("lake") / "rows"


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (OSError(errno.ENOSPC, "no space"), "the disk is full"),
        (DeltaError("Generic error: Permission denied (os error 13)"), "permission denied"),
        (DeltaError("first line\nsecond line"), "first line"),
        (pl.exceptions.ComputeError("not Parquet"), "not Parquet"),
        (Exception("a value does not fit"), "a value does not fit"),
    ],
)
def test_errors_of_the_libraries_are_ours(error, what):
    with pytest.raises(EnvironmentFault) as fault, as_lake_faults("rows", TABLE):
        raise error
    assert (fault.value.what, fault.value.code) == (what, "lake_fault")
    assert fault.value.where == f'table "rows" in {TABLE}'


def test_bugs_stay_what_they_are():
    with pytest.raises(KeyError), as_lake_faults("rows", TABLE):
        raise KeyError("a column")
