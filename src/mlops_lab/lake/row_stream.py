"""Rows that are written into one commit of a table, and come in parts: they need not all be in memory at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import polars as pl
from deltalake.exceptions import DeltaError
from polars.io.plugins import register_io_source

from mlops_lab.schemas.casts import cast_exactly

_ROWS_AT_ONCE = 200_000
"""Of more, delta-rs holds more than it needs."""


class ArrowStream(Protocol):
    """Rows as other libraries take them."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The stream, as Arrow's PyCapsule interface has it."""


class RowStream:
    """Rows with the columns of `schema`. `parts` gives them, and gives the same ones again where the commit of another
    process was faster."""

    def __init__(self, parts: Callable[[], Iterator[pl.DataFrame]], schema: Mapping[str, pl.DataType]) -> None:
        self.parts, self.schema = parts, dict(schema)
        self._fault: Exception | None = None

    def write(self, write: Callable[[ArrowStream], bool], types: Mapping[str, pl.DataType] | None = None) -> bool:
        """The result of `write`, which gets the rows as an Arrow stream, once; `types`: those that columns get.

        What goes wrong while a part is made is raised as it is, and nothing is committed.
        """
        types = {name: (types or {}).get(name, dtype) for name, dtype in self.schema.items()}

        def read(
            _columns: list[str] | None, _predicate: pl.Expr | None, _rows: int | None, _size: int | None
        ) -> Iterator[pl.DataFrame]:
            try:
                for part in self.parts():
                    cast = part.select(cast_exactly(part[name], dtype)[0] for name, dtype in types.items())
                    yield from cast.iter_slices(_ROWS_AT_ONCE)
            except Exception as fault:
                self._fault = fault
                raise

        scan = register_io_source(read, schema=types)
        try:
            return write(scan.collect_batches(chunk_size=_ROWS_AT_ONCE, lazy=True, engine="streaming"))
        except DeltaError:
            if self._fault is not None:
                raise self._fault from None
            raise
