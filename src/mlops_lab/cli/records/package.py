"""What `mlops package --json` prints."""

from __future__ import annotations

from msgspec import Struct

from mlops_lab.exporters.edge.agreement import EdgeAgreement


class PackageRecord(Struct, frozen=True, kw_only=True):
    """`mlops package`: the folder, and how well its answers agree with the server's."""

    schema_version: int = 1
    folder: str
    agreement: EdgeAgreement
