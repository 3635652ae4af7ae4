"""What `mlops env` and `mlops image` print with `--json`."""

from __future__ import annotations

from msgspec import Struct

from mlops_lab.lineage.records import MadeOtherwise


class EnvironmentExport(Struct, frozen=True, kw_only=True):
    """`mlops env export`: the folder with the environment of a version (null: what is installed), its fingerprint, and
    the commands that install it there."""

    schema_version: int = 1
    tool: str
    folder: str
    version: int | None
    python: str
    packages: int
    fingerprint: str
    steps: list[str]


class EnvironmentComparison(Struct, frozen=True, kw_only=True):
    """`mlops env compare`: the environment of a version and the present one, and all that differs."""

    schema_version: int = 1
    version: int
    same: bool
    fingerprint: str
    fingerprint_here: str
    differences: list[MadeOtherwise]


class ImageRecord(Struct, frozen=True, kw_only=True):
    """`mlops image build`: the image of a version, the program that built it (null: only `folder` was written)."""

    schema_version: int = 1
    version: int
    purpose: str
    tag: str
    base: str
    packages: int
    builder: str | None
    folder: str | None
