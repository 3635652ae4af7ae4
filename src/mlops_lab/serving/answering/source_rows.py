"""The rows of the source table that a worker knows: labelled requests that no server of this project answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from mlops_lab.clock import to_micros
from mlops_lab.outcomes.expiring_map import ExpiringMap
from mlops_lab.project import Project
from mlops_lab.tables.fields import source_fields


class SourceRows:
    """Recognizes a row that is sent again. There may be millions, so it keeps the moment and a digest of each."""

    def __init__(self, project: Project) -> None:
        source = project.settings.source
        self._known_at = source.known_at
        self._names = [field.name for field in source_fields(project) if field.name != source.id]
        self._rows = ExpiringMap()

    def add(self, ids: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows; those whose id it knows are left out."""
        new = {name: row for name, row in zip(ids, rows, strict=True) if self._rows.get(name) is None}
        moments = [to_micros(row[self._known_at]) for row in new.values()]
        self._rows.put(list(new), moments, list(map(self._digest, new.values())))

    def is_same(self, name: str, row: Mapping[str, Any]) -> bool | None:
        """Whether the row with this id has the same values; None where there is no such row."""
        known = self._rows.get(name)
        return None if known is None else known[1] == self._digest(row)

    def _digest(self, row: Mapping[str, Any]) -> int:
        values = msgspec.msgpack.encode([row[name] for name in self._names])
        return int.from_bytes(blake2b(values, digest_size=8).digest())
