"""The rules for values beyond their types: one list, which checks whole columns and single rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from mlops_lab.contracts.fields import Field

EXAMPLES = 5
"""How many rows a breach keeps as examples."""


@dataclass(frozen=True)
class Rule:
    """One rule about one column: `broken` is true in the rows that break it, `breaks` checks one value."""

    name: str
    column: str
    text: str
    broken: pl.Expr
    breaks: Callable[[Any], bool]


@dataclass(frozen=True)
class Breach:
    """A rule that rows of a table broke: how many, and a few of them as examples."""

    table: str
    rule: str
    column: str
    text: str
    rows: int
    examples: tuple[dict[str, Any], ...] = ()

    def __str__(self) -> str:
        message = f'table "{self.table}", column "{self.column}": {self.rows:,} rows break the rule "{self.text}"'
        examples = "; ".join(", ".join(f"{name}={value!r}" for name, value in row.items()) for row in self.examples)
        return f"{message}, such as {examples}" if examples else message

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
    """The rules of all fields. A null breaks only the rule that null is not allowed."""
    return [rule for field in fields for rule in _rules_of(field)]


def _rules_of(field: Field) -> list[Rule]:
    name, column = field.name, pl.col(field.name)
    rules = []
    if not field.nullable:
        rules.append(Rule("null", name, "never null", column.is_null(), lambda value: value is None))
    if field.kind == "float":
        finite = column.is_finite().not_()
        rules.append(
            Rule(
                "finite", name, "a finite number", finite, lambda value: value is not None and not math.isfinite(value)
            )
        )
    if (minimum := field.min) is not None:
        text = f"at least {minimum:g}"
        rules.append(Rule("min", name, text, column < minimum, lambda value: value is not None and value < minimum))
    if (maximum := field.max) is not None:
        text = f"at most {maximum:g}"
        rules.append(Rule("max", name, text, column > maximum, lambda value: value is not None and value > maximum))
    if field.categories:
        allowed = frozenset(field.categories)
        text = f"one of {', '.join(field.categories)}"
        other = column.is_in(list(field.categories)).not_()
        rules.append(Rule("categories", name, text, other, lambda value: value is not None and value not in allowed))
    return rules


def first_broken(rules: Sequence[Rule], row: Mapping[str, Any]) -> Rule | None:
    """The first rule that a row breaks; None where it keeps all."""
    for rule in rules:
        if rule.breaks(row[rule.column]):
            return rule
    return None


def first_broken_indices(frame: pl.DataFrame, rules: Sequence[Rule]) -> pl.Series:
    """For each row the index of the first rule that it breaks; null where it keeps all."""
    broken = pl.coalesce(
        *(pl.when(rule.broken.fill_null(value=False)).then(pl.lit(index)) for index, rule in enumerate(rules)),
        pl.lit(None, pl.Int32),
    )
    if not rules:
        return pl.Series("broken", [None] * frame.height, dtype=pl.Int32)
    return frame.select(broken.cast(pl.Int32).alias("broken"))["broken"]


def find_breaches(table: str, frame: pl.DataFrame, fields: Sequence[Field]) -> list[Breach]:
    """Every rule that rows of the frame break, with examples."""
    rules = rules_of(fields)
    broken = frame.select(rule.broken.any().alias(str(index)) for index, rule in enumerate(rules))  # one pass for all
    breaches = []
    for rule in (rule for rule, column in zip(rules, broken, strict=True) if column.item()):
        rows = frame.filter(rule.broken.fill_null(value=False))
        examples = tuple(rows.head(EXAMPLES).select(field.name for field in fields).to_dicts())
        breaches.append(Breach(table, rule.name, rule.column, rule.text, rows.height, examples))
    return breaches


def merge_breaches(breaches: Iterable[Breach]) -> list[Breach]:
    """The breaches of the parts of a table as those of the table: one of each rule, with all its rows."""
    merged: dict[tuple[str, str], Breach] = {}
    for breach in breaches:
        before = merged.get((breach.column, breach.rule))
        if before is not None:
            examples = (*before.examples, *breach.examples)[:EXAMPLES]
            breach = replace(breach, rows=before.rows + breach.rows, examples=examples)
        merged[breach.column, breach.rule] = breach
    return list(merged.values())


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
