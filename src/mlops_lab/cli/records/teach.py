"""What `mlops learn export` and `mlops learn report` print with `--json`."""

from __future__ import annotations

from msgspec import Struct

from mlops_lab.learn.class_report import LabProgress, StudentProgress


class HandoutRecord(Struct, frozen=True, kw_only=True):
    """`mlops learn export`: the format, where it was written, the exercises in it, the seed, and the students who got
    a file each (empty: one for all)."""

    schema_version: int = 1
    to: str
    path: str
    exercises: list[str]
    seed: int
    students: list[str]


class ClassRecord(Struct, frozen=True, kw_only=True):
    """`mlops learn report`: the students with exercises, the number of exercises of each phase (`of`), the labs of
    all students, and what is wrong with the files that cannot be read."""

    schema_version: int = 1
    of: dict[str, int]
    students: list[StudentProgress]
    labs: list[LabProgress]
    unreadable: list[str]
