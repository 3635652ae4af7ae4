"""The rows of the source table that a worker knows: labelled requests that no server of this project answered."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
import polars as pl

from mlops_lab.clock import to_micros
from mlops_lab.features.row_index import RowIndex, in_slices
from mlops_lab.outcomes.expiring_map import ExpiringMap
from mlops_lab.project import Project
from mlops_lab.tables.fields import source_fields

_SEED = int.from_bytes(os.urandom(8))


class SourceRows:
    """Recognizes a row that is sent again. There may be millions, so it keeps a digest of each: 20 bytes of a row that
    was loaded, beside its id; 40 of one that was added."""

    def __init__(self, project: Project) -> None:
        source = project.settings.source
        self._known_at = source.known_at
        self._names = [field.name for field in source_fields(project) if field.name != source.id]
        self._added = ExpiringMap()
        self._types = pl.Schema()
        self._ids = pl.Series(dtype=pl.String)
        self._index = RowIndex((), count=0)
        self._hashes = np.empty(0, dtype=np.uint64)

    def load(self, rows: pl.DataFrame) -> None:
        """Take the rows of a project that has none yet, with their `_fact_id`; of several with one id the last one
        counts."""
        self._ids = rows["_fact_id"]
        self._index = RowIndex(in_slices(self._ids.to_frame()), count=len(rows))
        values = rows.select(self._names)
        self._types, self._hashes = values.schema, values.hash_rows(seed=_SEED).to_numpy()

    def add(self, ids: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows; those whose id it knows are left out."""
        new = {name: row for name, row in zip(ids, rows, strict=True) if not self._knows(name)}
        moments = [to_micros(row[self._known_at]) for row in new.values()]
        self._added.put(list(new), moments, list(map(self._digest, new.values())))

    def is_same(self, name: str, row: Mapping[str, Any]) -> bool | None:
        """Whether the row with this id has the same values; None where there is no such row."""
        loaded = self._loaded_row(name)
        if loaded is not None:
            values = pl.DataFrame([[row[name]] for name in self._names], schema=self._types)
            return bool(values.hash_rows(seed=_SEED)[0] == self._hashes[loaded])
        known = self._added.get(name)
        return None if known is None else known[1] == self._digest(row)

    def _knows(self, name: str) -> bool:
        return self._loaded_row(name) is not None or self._added.get(name) is not None

    def _loaded_row(self, name: str) -> int | None:
        """The number of the row with this id; None where none was loaded."""
        return next((row for row in reversed(self._index.rows_of(name).tolist()) if self._ids[row] == name), None)

    def _digest(self, row: Mapping[str, Any]) -> int:
        values = msgspec.msgpack.encode([row[name] for name in self._names])
        return int.from_bytes(blake2b(values, digest_size=8).digest())
