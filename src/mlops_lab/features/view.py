"""A view: values of an entity from the facts of a table, as known at a moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

from mlops_lab.clock import parse_duration
from mlops_lab.errors import InvalidInput
from mlops_lab.features.aggregates import AGGREGATES, Aggregate, Scalar
from mlops_lab.ids import hash_json

Missing = Literal["null", "refuse"] | Mapping[str, Scalar]
"""What a view returns for an entity without facts: nulls, a refusal, or these values (null for the others)."""


@dataclass(frozen=True, eq=False)
class View:
    """Values of an entity, from the facts that were available strictly before a moment.

    `by` names the entity's key: a column, several columns, or a mapping of request fields to columns of the table
    (`by={"dest": "airport"}`). A fact has two times: `known_at`, when it became known in the world, and the time at
    which it arrived here. It is seen after the later of the two; at exactly that moment it is not seen yet.

    With `over` ("3h"), the facts of a window count: those that are seen and became known within that time before the
    moment. A fact that arrives here later than that never counts. Without `over`, `last` takes the latest fact: among
    those that are seen, the one with the latest `known_at`, and of several with the same `known_at` the one with the
    greatest id. With `ttl` ("2h"), a latest fact that is older than that is stale and not used.

    `missing` defines the view's values where there is no fact to use: the request has no key, the entity is unknown,
    its latest fact is stale, its window has no value for the aggregate, or the store does not respond. A null in a
    fact is a value like any other.
    """

    name: str
    table: str
    by: str | Sequence[str] | Mapping[str, str]
    values: Mapping[str, Aggregate]
    over: str | None = None
    ttl: str | None = None
    missing: Missing = "null"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, View) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash(self.version)

    def __post_init__(self) -> None:
        for option, text in (("over", self.over), ("ttl", self.ttl)):
            try:
                if text is not None:
                    parse_duration(text)
            except InvalidInput as error:
                where = f'view "{self.name}", {option}'
                raise InvalidInput(error.what, code=error.code, where=where, hint=error.hint) from None
        if not self.keys or not self.values:
            raise self._error("has no key or no values", "set by= and values=")
        if self.ttl is not None and self.over is not None:
            raise self._error("has both ttl= and over=", "facts leave a window by themselves: remove ttl=")
        for name, aggregate in self.values.items():
            windowed = aggregate.how != "last"
            if aggregate.how not in AGGREGATES or windowed != (self.over is not None):
                need = 'needs over=, such as over="3h"' if windowed else "cannot be used with over="
                hint = "`last` uses the latest fact of all; the other aggregates use the facts of a window"
                raise self._error(f"{aggregate.how} {need}", hint, value=name)
        if isinstance(self.missing, str):
            if self.missing not in ("null", "refuse"):
                raise self._error(f'missing="{self.missing}"', 'write "null", "refuse" or {"value": default}')
        else:
            for name in self.missing:
                if name not in self.values:
                    raise self._error(f'missing= names "{name}"', f"its values are {', '.join(self.values)}")

    def _error(self, what: str, hint: str, *, value: str | None = None) -> InvalidInput:
        where = f'view "{self.name}"' + (f', value "{value}"' if value else "")
        return InvalidInput(what, code="bad_view", where=where, hint=hint)

    @cached_property
    def keys(self) -> dict[str, str]:
        """The key: request field to column of the table."""
        if isinstance(self.by, str):
            return {self.by: self.by}
        return dict(self.by) if isinstance(self.by, Mapping) else {name: name for name in self.by}

    @cached_property
    def window(self) -> timedelta | None:
        """The length of the window; None for the latest fact."""
        return parse_duration(self.over) if self.over else None

    @cached_property
    def stale_after(self) -> timedelta | None:
        """The age at which a latest fact is stale; None: never."""
        return parse_duration(self.ttl) if self.ttl else None

    @property
    def refuses(self) -> bool:
        """Whether a request is refused where there is no fact, instead of answered with defaults."""
        return self.missing == "refuse"

    @cached_property
    def defaults(self) -> tuple[Scalar, ...]:
        """The default of each value, used where there is no fact for it."""
        defaults = {} if isinstance(self.missing, str) else self.missing
        return tuple(defaults.get(name) for name in self.values)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that the view reads, each once; the key comes first."""
        return tuple(dict.fromkeys([*self.keys.values(), *(a.column for a in self.values.values())]))

    def as_dict(self) -> dict[str, Any]:
        """The view as plain JSON data."""
        return {
            "name": self.name,
            "table": self.table,
            "by": [list(pair) for pair in self.keys.items()],
            "values": {name: [value.how, value.column, value.of] for name, value in self.values.items()},
            "over": self.over,
            "ttl": self.ttl,
            "missing": self.missing if isinstance(self.missing, str) else dict(self.missing),
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> View:
        """The view from the data that `as_dict` returned."""
        values = {name: Aggregate(*aggregate) for name, aggregate in data["values"].items()}
        return View(data["name"], data["table"], dict(data["by"]), values, data["over"], data["ttl"], data["missing"])

    @cached_property
    def version(self) -> str:
        """The hash of the definition: equal views have equal versions, in whatever project or model they are."""
        return hash_json(self.as_dict())[:16]


def columns_by_table(views: Iterable[View]) -> dict[str, set[str]]:
    """The columns that these views read, by table."""
    columns: dict[str, set[str]] = {}
    for view in views:
        columns.setdefault(view.table, set()).update(view.columns)
    return columns
