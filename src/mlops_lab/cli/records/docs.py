"""What `mlops docs --json` prints."""

from __future__ import annotations

from msgspec import Struct

from mlops_lab.lineage.documents.write import WrittenDocument


class DocsRecord(Struct, frozen=True, kw_only=True):
    """`mlops docs`: the folder, the version, the documents, and how many events of OpenLineage were sent."""

    schema_version: int = 1
    folder: str
    version: int
    documents: list[WrittenDocument]
    sent_events: int
