"""Features of one request, on the serving side: what an online store is, and the facts it holds.

`features.memory` and `features.redis` are the stores. Both turn facts into values with `features.view_reader`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

import polars as pl

from mlops_lab.clock import to_micros
from mlops_lab.features.view import View

ALWAYS = -(2**62)
"""The time of a fact that was always known."""
OF_FACT = ("_known_at", "_seen_at", "_fact_id", "_weight")
"""The columns that each table of facts has beside those of its rows; the last one only where some were retracted."""


class Fact(NamedTuple):
    """One fact as a view keeps it: when it was seen and known (microseconds since 1970), its id, its values.

    A weight of -1 makes it a retraction: see `features.retractions`.
    """

    seen: int
    known: int
    id: str
    values: tuple[Any, ...]
    weight: int = 1


ViewResult = tuple[tuple[Any, ...], str | None]
"""A view's values for one entity, and the reason where they are defaults."""
ViewResults = tuple[list[tuple[Any, ...]], dict[int, str]]
"""A view's values for several entities; and by the entity's index the reason, where its values are defaults."""


class FactRow(NamedTuple):
    """A row of a table with its two times (microseconds since 1970) and its id, which orders facts of one moment.

    A weight of -1 makes it a retraction: see `features.retractions`.
    """

    row: Mapping[str, Any]
    known: int
    seen: int
    id: str
    weight: int = 1


def fact_rows(rows: Iterable[Mapping[str, Any]]) -> list[FactRow]:
    """The rows of a table of facts, which have the columns `OF_FACT`."""
    return [
        make_fact_row(
            row, row["_known_at"], row["_seen_at"], row["_fact_id"], weight=-1 if (row.get("_weight") or 1) < 0 else 1
        )
        for row in rows
    ]


class OnlineStore(Protocol):
    """Holds facts and returns a view's values for an entity at a moment. One test suite checks all stores."""

    def load(self, table: str, facts: pl.DataFrame, *, since: int | None = None) -> None:
        """Add facts of a table (see `fact_rows`) to a store that has none of it yet. `since`: the store is read as of
        no earlier moment, so that what is not in a window any more then may be left out."""

    def add(self, table: str, rows: Iterable[FactRow]) -> None:
        """Add facts of a table. Adding the same fact again changes nothing."""

    def read(self, view: View, entities: Sequence[Any], moments: Sequence[int]) -> ViewResults:
        """The view's values for each entity at its moment (microseconds since 1970). Never raises: an unavailable
        store returns defaults with a reason."""


def make_fact_row(
    row: Mapping[str, Any], known_at: datetime | None, seen_at: datetime | None, id: str, *, weight: int = 1
) -> FactRow:
    """The row with its times in microseconds; None means that it was always known, or always seen."""
    known = ALWAYS if known_at is None else to_micros(known_at)
    # equal times share one int object
    seen = ALWAYS if seen_at is None else known if seen_at == known_at else to_micros(seen_at)
    return FactRow(row, known, max(seen, known), id, weight)


def entity_of(names: Sequence[str]) -> Any:
    """A function from a row to its entity: the value of the key, or a tuple of its values; None where one is null."""
    if len(names) == 1:
        return itemgetter(names[0])
    pick = itemgetter(*names)

    def entity(row: Mapping[str, Any]) -> tuple[Any, ...] | None:
        values: tuple[Any, ...] = pick(row)
        return None if None in values else values

    return entity
