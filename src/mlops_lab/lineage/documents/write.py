"""Documents as files in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from mlops_lab.lineage.documents.document import Document
from mlops_lab.lineage.documents.version_facts import VersionFacts


class WrittenDocument(Struct, frozen=True, kw_only=True):
    """A document that was written: its name, what it is, its file or folder (`main`), and the number of its files."""

    name: str
    summary: str
    main: str
    files: int


def write_documents(facts: VersionFacts, documents: Sequence[Document], folder: Path) -> list[WrittenDocument]:
    """Write documents into a folder that exists."""
    return [_write(document, document.make(facts), folder) for document in documents]


def _write(document: Document, files: dict[str, bytes], folder: Path) -> WrittenDocument:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return WrittenDocument(name=document.name, summary=document.summary, main=document.main, files=len(files))
