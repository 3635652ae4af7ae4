"""What a view means: `reference` defines it with plain loops and exact fractions, for the suites that check training and
both stores of the server against it.
"""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import count as count_up
from typing import Any

import polars as pl
from hypothesis import strategies as st
from redis_server import redis_url

from mlops_lab.clock import to_micros
from mlops_lab.features import Features, View, count, largest, last, mean, share, smallest, std, total
from mlops_lab.features.memory import MemoryStore
from mlops_lab.features.offline import refused, view_values
from mlops_lab.features.online import FactRow, entity_of, make_fact_row
from mlops_lab.features.redis import RedisStore

START = datetime(2013, 3, 10, 4, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MOMENT = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Fact:
    """One row of a table: its two times, and its id, which orders facts of one moment."""

    entity: str | None
    known_at: datetime | None
    id: str
    amount: float | None
    note: str | None
    seen_at: datetime | None = None
    """None: when it was known."""
    place: str | None = "here"
    weight: int = 1
    """-1: it is a retraction."""

    @property
    def seen(self) -> datetime | None:
        return self.seen_at if self.known_at is None or self.seen_at is not None else self.known_at


@dataclass(frozen=True)
class Lookup:
    """One request."""

    entity: str | None
    at: datetime
    where: str | None = "here"


LAST = {"amount_last": last("amount"), "note_last": last("note")}
LATEST = View("latest", "facts", by="entity", values=LAST)
WINDOWED = {
    "mean": mean("amount"),
    "sum": total("amount"),
    "count": count("amount"),
    "notes": count("note"),
    "spread": std("amount"),
    "least": smallest("amount"),
    "most": largest("amount"),
    "x_share": share("note", of="x"),
    "newest": largest("happened"),
}
VIEWS = [
    LATEST,
    View("fresh", "facts", by="entity", ttl="2m", values=LAST, missing={"amount_last": -1.0}),
    View("strict", "facts", by="entity", ttl="1h", values=LAST, missing="refuse"),
    View("two keys", "facts", by={"entity": "entity", "where": "place"}, values=LAST),
    *(View(over, "facts", by="entity", over=over, values=WINDOWED) for over in ("1m", "3m", "1h")),
    View("with defaults", "facts", by=["entity"], over="2m", values=WINDOWED, missing={"mean": 0.5, "least": 9.0}),
]

# A few minutes, so that facts often share a moment with each other, with a request, and with a window's edge.
moments = st.builds(
    lambda minutes, nudge: START + timedelta(minutes=minutes) + nudge * MICROSECOND,
    st.integers(-2, 8),
    st.sampled_from([-1, 0, 0, 0, 0, 1]),
)
entities = st.sampled_from(["a", "a", "a", "b", None])
places = st.sampled_from(["here", "here", "there", None])
amounts = st.none() | st.integers(-1000, 1000).map(float) | st.floats(-1e9, 1e9) | st.sampled_from([1e9 + 0.1, 1e-30])
ids = st.text(alphabet="9aZ~é￿😀", min_size=1, max_size=3)  # code points beyond and below those of UTF-16's pairs


@st.composite
def some_facts(draw: st.DrawFn) -> Fact:
    known_at = draw(st.none() | moments)
    late = draw(st.sampled_from([None, None, 0, 1, 2, 5, 90]))
    seen_at = None if late is None else (known_at or START) + timedelta(minutes=late)
    note = draw(st.none() | st.sampled_from(["", "x", "y"]))
    return Fact(draw(entities), known_at, draw(ids), draw(amounts), note, seen_at, draw(places))


facts_lists = st.lists(some_facts(), unique_by=lambda fact: fact.id, max_size=12)
lookup_lists = st.lists(st.builds(Lookup, entities, moments, places), min_size=1, max_size=6)
views = st.sampled_from(VIEWS)


# ---- the definition -----------------------------------------------------------------------------------------------


def reference(view: View, facts: list[Fact], lookup: Lookup) -> tuple[tuple[Any, ...], bool]:
    """The values of a view by its definition, one fact at a time; and whether it had no fact to use."""
    key = [getattr(lookup, name) for name in view.keys]
    mine = [fact for fact in facts if None not in key and [getattr(fact, name) for name in view.keys.values()] == key]
    seen = [fact for fact in mine if fact.seen is None or fact.seen < lookup.at]
    if view.window is None:
        latest = max(seen, key=lambda fact: (fact.known_at is not None, fact.known_at or START, fact.id), default=None)
        ttl = view.stale_after
        stale = latest and ttl and (latest.known_at is None or lookup.at - latest.known_at > ttl)
        if latest is None or stale:
            return view.defaults, True
        return tuple(getattr(latest, aggregate.column) for aggregate in view.values.values()), False
    within = [fact for fact in seen if fact.known_at is not None and lookup.at - view.window <= fact.known_at]
    values = []
    for aggregate in view.values.values():
        column = [
            fact.known_at if aggregate.column == "happened" else getattr(fact, aggregate.column) for fact in within
        ]
        values.append(summed_up(aggregate.how, [value for value in column if value is not None], aggregate.of))
    empty = None in values
    return tuple(d if v is None else v for v, d in zip(values, view.defaults, strict=True)), empty


def summed_up(how: str, values: list[Any], of: Any) -> Any:
    match how:
        case "count":
            return float(len(values))
        case "sum":
            return float(sum(map(Fraction, values)))
        case "mean":
            return float(sum(map(Fraction, values)) / len(values)) if values else None
        case "min" | "max":
            return (min if how == "min" else max)(values) if values else None
        case "share":
            return values.count(of) / len(values) if values else None
    if len(values) < 2:
        return None
    centre = sum(map(Fraction, values)) / len(values)
    return math.sqrt(sum((Fraction(value) - centre) ** 2 for value in values) / (len(values) - 1))


def near(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Equal but for the last digits of what was computed."""
    return all(
        a == b or (isinstance(a, float) and isinstance(b, float) and math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-6))
        if isinstance(a, float)
        else a == b
        for a, b in zip(one, other, strict=True)
    )


# ---- the implementations ------------------------------------------------------------------------------------------


def frame(facts: list[Fact]) -> pl.DataFrame:
    """The facts as the loop reads them; `_weight` is null, or missing, where no row was corrected."""
    columns = {"entity": pl.String, "place": pl.String, "_fact_id": pl.String, "amount": pl.Float64, "note": pl.String}
    rows = pl.DataFrame(
        [(f.entity, f.place, f.id, f.amount, f.note, f.known_at, f.known_at, f.seen) for f in facts],
        schema={**columns, "happened": MOMENT, "_known_at": MOMENT, "_seen_at": MOMENT},
        orient="row",
    )
    weights = [None if fact.weight > 0 and number % 2 else fact.weight for number, fact in enumerate(facts)]
    has_weights = any(fact.weight < 0 for fact in facts)
    return rows.with_columns(pl.Series("_weight", weights, dtype=pl.Int8)) if has_weights else rows


def offline(view: View, facts: list[Fact], lookups: list[Lookup]) -> list[tuple[Any, ...]]:
    """The values of a view for some requests, as training computes them."""
    rows = pl.DataFrame(
        [(lookup.entity, lookup.at, lookup.where) for lookup in lookups],
        schema={"entity": pl.String, "time": MOMENT, "where": pl.String},
        orient="row",
    )
    values = view_values(view, rows, time="time", facts=frame(facts)).rows()
    refused_rows = refused(
        Features([], [replace(view, missing="refuse")]), rows, time="time", facts={"facts": frame(facts)}
    )
    return list(zip(values, refused_rows, strict=True))


def in_store(store: Any, view: View, facts: list[Fact], lookups: list[Lookup]) -> list[tuple[Any, ...]]:
    """The same as a server computes them, after adding the facts in this order."""
    for fact in facts:
        store.add("facts", [fact_row_of(fact)])
    entity = entity_of(list(view.keys))
    entities = [entity({"entity": lookup.entity, "where": lookup.where}) for lookup in lookups]
    values, missing = store.read(view, entities, [to_micros(lookup.at) for lookup in lookups])
    return [(result, index in missing) for index, result in enumerate(values)]


def fact_row_of(fact: Fact) -> FactRow:
    row = {"entity": fact.entity, "place": fact.place, "amount": fact.amount, "note": fact.note}
    return make_fact_row({**row, "happened": fact.known_at}, fact.known_at, fact.seen, fact.id, weight=fact.weight)


def in_memory(view: View, facts: list[Fact], lookups: list[Lookup]) -> list[tuple[Any, ...]]:
    return in_store(MemoryStore([view]), view, facts, lookups)


def in_redis(view: View, facts: list[Fact], lookups: list[Lookup]) -> list[tuple[Any, ...]]:
    """Each in a separate project of the one Redis that the tests of this process share."""
    store = RedisStore(redis_url(), project=f"p{next(NUMBERS)}", views=[view], keep=timedelta(1))
    store.open()
    return in_store(store, view, facts, lookups)


NUMBERS = count_up()
