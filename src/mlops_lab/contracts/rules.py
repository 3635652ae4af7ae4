"""What a value may be, beyond its type: one list of rules, asked of whole columns and of single rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from mlops_lab.contracts.fields import Field

EXAMPLES = 5


@dataclass(frozen=True)
class Rule:
    """One rule about one column: `broken` is true in the rows that break it, `breaks` says the same of one value."""

    name: str
    column: str
    text: str
    broken: pl.Expr
    breaks: Callable[[Any], bool]


@dataclass(frozen=True)
class Breach:
    """A rule that some rows of a table broke, with at most five of them."""

    table: str
    rule: str
    column: str
    text: str
    rows: int
    examples: tuple[dict[str, Any], ...] = ()

    def __str__(self) -> str:
        told = f'table "{self.table}", column "{self.column}": {self.rows:,} rows break the rule "{self.text}"'
        shown = "; ".join(", ".join(f"{name}={value!r}" for name, value in row.items()) for row in self.examples)
        return f"{told}, such as {shown}" if shown else told

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        examples = [{name: _plain(value) for name, value in row.items()} for row in self.examples]
        return {
            "table": self.table,
            "rule": self.rule,
            "column": self.column,
            "text": self.text,
            "rows": self.rows,
            "examples": examples,
        }


def rules_of(fields: Sequence[Field]) -> list[Rule]:
    """All rules that the fields declare; a null breaks none but that it may not be one."""
    return [rule for field in fields for rule in _rules_of(field)]


def _rules_of(field: Field) -> list[Rule]:
    name, column = field.name, pl.col(field.name)
    found = []
    if not field.nullable:
        found.append(Rule("null", name, "never null", column.is_null(), lambda value: value is None))
    if field.kind == "float":
        finite = column.is_finite().not_()
        found.append(
            Rule(
                "finite", name, "a finite number", finite, lambda value: value is not None and not math.isfinite(value)
            )
        )
    if (least := field.min) is not None:
        low = column < least
        found.append(Rule("min", name, f"at least {least:g}", low, lambda value: value is not None and value < least))
    if (most := field.max) is not None:
        high = column > most
        found.append(Rule("max", name, f"at most {most:g}", high, lambda value: value is not None and value > most))
    if field.categories:
        allowed = frozenset(field.categories)
        text = f"one of {', '.join(field.categories)}"
        other = column.is_in(list(field.categories)).not_()
        found.append(Rule("categories", name, text, other, lambda value: value is not None and value not in allowed))
    return found


def first_broken(rules: Sequence[Rule], row: Mapping[str, Any]) -> Rule | None:
    """The first rule that a row breaks."""
    for rule in rules:
        if rule.breaks(row[rule.column]):
            return rule
    return None


def name_broken(frame: pl.DataFrame, rules: Sequence[Rule]) -> pl.Series:
    """For each row the place, among the rules, of the first one that it breaks; null where it keeps all."""
    broken = pl.coalesce(
        *(pl.when(rule.broken.fill_null(value=False)).then(pl.lit(number)) for number, rule in enumerate(rules)),
        pl.lit(None, pl.Int32),
    )
    return frame.select(broken.cast(pl.Int32).alias("broken"))["broken"] if rules else _none(frame.height)


def find_breaches(table: str, frame: pl.DataFrame, fields: Sequence[Field]) -> list[Breach]:
    """Every rule that rows of the frame break, with examples."""
    rules = rules_of(fields)
    broken = frame.select(rule.broken.any().alias(str(place)) for place, rule in enumerate(rules))  # one look at all
    found = []
    for rule in (rule for rule, column in zip(rules, broken, strict=True) if column.item()):
        rows = frame.filter(rule.broken.fill_null(value=False))
        examples = tuple(rows.head(EXAMPLES).select(field.name for field in fields).to_dicts())
        found.append(Breach(table, rule.name, rule.column, rule.text, rows.height, examples))
    return found


def _none(rows: int) -> pl.Series:
    return pl.Series("broken", [None] * rows, dtype=pl.Int32)


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
