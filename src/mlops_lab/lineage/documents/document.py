"""What every document says about itself: its name, what it is, and the function that makes its files."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from typing import Any

from mlops_lab.lineage.documents.version_facts import VersionFacts


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document: `mlops docs VERSION DIR --only NAME`.

    `summary`: what it is, for people. `main`: its file, or its folder. `module`: where its function `make(facts)` is,
    which returns the content of each file by its path. The same facts give the same bytes.
    """

    name: str
    summary: str
    main: str
    module: str

    def make(self, facts: VersionFacts) -> dict[str, bytes]:
        """The content of each file of the document, by its path."""
        files: dict[str, bytes] = importlib.import_module(self.module).make(facts)
        return files


def write_json(data: Any) -> bytes:
    """JSON for files that people read too."""
    return (json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
