"""What the rows of a lab look like: the names and types of their fields, and which of them a lab may spoil."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, Literal

from msgspec import Struct

KNOWN_AT = "known_at"
Kind = Literal["shop", "flights", "table"]
SHOP: Final = "shop"
FLIGHTS: Final = "flights"
TABLE: Final = "table"


class NumberField(Struct, frozen=True, kw_only=True):
    """An input whose unit may change: a client has it as `raw`, a whole number of a unit `factor` times as small.

    `low` and `high`: the limits that the story names. `right` and `wrong`: the units in words."""

    name: str
    raw: str
    factor: int
    low: float
    high: float
    right: str
    wrong: str


class TextField(Struct, frozen=True, kw_only=True):
    """An input whose values may be renamed: a client has it as `raw`, one of `codes`, which stand for the values.

    `renamed`: the values that release 4.2 calls otherwise, with their new names."""

    name: str
    raw: str
    codes: dict[str, str]
    renamed: dict[str, str]


class Layout(Struct, frozen=True, kw_only=True):
    """The roles and types of the columns. `seed`: what a lab chooses itself.

    `fields`: what a request has, with types as in mlops.toml, its time and key among them. `numbers`, `categories` and
    `parts` (of the time): the inputs. `group`: a field with groups of at least 100 rows a day, where `per_day` allows
    it. `leak`: a column that is known too late; only a lab has it that begins with a notebook. `coarse_key`: a key with
    too few values."""

    source: Kind
    id: str
    time: str
    label: str
    key: str
    coarse_key: str
    fields: dict[str, str]
    numbers: list[str]
    categories: list[str]
    parts: list[str]
    spoiled_numbers: list[NumberField]
    spoiled_texts: list[TextField]
    group: str
    leak: str
    first_day: date
    per_day: int
    seed: int

    @property
    def spoiled(self) -> list[NumberField | TextField]:
        """All inputs that a lab may spoil."""
        return [*self.spoiled_numbers, *self.spoiled_texts]

    @property
    def columns(self) -> list[str]:
        """The columns of the table of the past."""
        return [self.id, *self.fields, KNOWN_AT, self.label]

    def day(self, number: int) -> date:
        """The day of this number, from 0."""
        return self.first_day + timedelta(days=number)


class Needs(Struct, frozen=True, kw_only=True):
    """What a lab needs of a table: rows of `days` days; on each `per_day`, if there are so many, and `min_per_day` at
    least. `keys`: how many different keys."""

    days: int
    per_day: int
    min_per_day: int
    keys: int = 2
