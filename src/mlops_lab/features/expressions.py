"""Polars expressions as data: stored in a package and read back without running any code."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import polars as pl

from mlops_lab.errors import InvalidInput

# The nodes that a served expression may have. Polars writes an expression as nested objects whose keys are the names of
# its nodes; a node without parameters is a plain string. Listed are the nodes that use one row and contain no code.
# Others are refused: in some of them Polars stores pickled functions, or paths of libraries to load.
_NODES = frozenset(
    re.findall(
        r"\w+",
        """
    Column Literal Alias Cast Ternary BinaryExpr Function input function expr dtype options left op right predicate
    truthy falsy Dyn Int Float Scalar Series Null Boolean String Date Time Datetime Duration List Int8 Int16 Int32
    Int64 UInt8 UInt16 UInt32 UInt64 Float32 Float64 inner time_unit return_dtype strict literal

    Abs Atan2 Ceil Clip has_min has_max Coalesce Exp FillNull Floor Hash Log Log1p MaxHorizontal MinHorizontal
    MeanHorizontal SumHorizontal ignore_nulls Negate Pow Generic Sqrt Cbrt Replace ReplaceStrict Round decimals mode
    RoundSF digits Sign ToPhysical Trigonometry Cos Cot Sin Tan ArcCos ArcSin ArcTan Cosh Sinh Tanh ArcCosh ArcSinh
    ArcTanh Degrees Radians

    AllHorizontal AnyHorizontal IsBetween closed IsClose abs_tol rel_tol nans_equal IsFinite IsIn nulls_equal
    IsInfinite IsNan IsNotNan IsNotNull IsNull Not

    StringExpr ConcatHorizontal delimiter Contains ContainsAny ascii_case_insensitive CountMatches EndsWith Extract
    Find Format format insertions Head LenBytes LenChars Lowercase n PadEnd PadStart fill_char Slice StartsWith
    StripChars StripCharsEnd StripCharsStart StripPrefix StripSuffix Strptime exact cache Tail Titlecase ToInteger
    Uppercase ZFill

    TemporalExpr BaseUtcOffset Century ConvertTimeZone DSTOffset DatetimeFunction Day DaysInMonth Hour IsLeapYear
    IsoYear Microsecond Millennium Millisecond Minute Month MonthEnd MonthStart Nanosecond OffsetBy OrdinalDay Quarter
    ReplaceTimeZone Second TimeStamp ToString TotalDays TotalHours TotalMicroseconds TotalMilliseconds TotalMinutes
    TotalNanoseconds TotalSeconds fractional Truncate Week WeekDay Year
    """,
    )
)
_VALUES = frozenset(
    re.findall(
        r"\w+",
        "Column Literal op options dtype return_dtype mode closed time_unit format delimiter fill_char inner Duration "
        "TimeStamp ToString ReplaceTimeZone Strptime",
    )
)
"""Nodes whose strings are values, such as a column, a unit or a format, and not names of nodes."""


def write_expression(name: str, expression: pl.Expr) -> str:
    """A Polars expression as JSON; InvalidInput where it contains code or uses other rows than its own."""
    return _check(name, expression.meta.serialize(format="json"))


def read_expression(name: str, text: str) -> pl.Expr:
    """The expression that `write_expression` wrote. Other text is refused before Polars reads it."""
    try:
        return pl.Expr.deserialize(io.StringIO(_check(name, text)), format="json")
    except (ValueError, pl.exceptions.PolarsError) as error:
        raise InvalidInput(
            f"is not an expression: {str(error).splitlines()[0]}",
            code="bad_expression",
            where=f'derived feature "{name}"',
            hint="register the version again",
        ) from None


def literals_to_columns(expression: pl.Expr) -> tuple[pl.Expr, dict[str, int | float]]:
    """The expression with a column instead of each number that it computes with, and the number of each column.

    Polars computes differently with a literal number and with a column of that number: it multiplies by the reciprocal
    instead of dividing, for example. Which of the two it does also depends on how many rows there are and on their
    values. With columns only, a row's value depends on that row alone. Arguments of functions are not changed.
    """
    numbers: dict[str, int | float] = {}

    def replace(tree: Any) -> Any:
        if isinstance(tree, list):
            return [replace(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        if (number := _number(tree)) is not None:
            column = f"_{number!r}"
            numbers[column] = number
            return {"Column": column}
        if "Function" in tree:
            function = tree["Function"]
            first, *others = function["input"]
            return {"Function": {**function, "input": [replace(first), *(replace_argument(item) for item in others)]}}
        return {key: replace(value) if key not in _VALUES else value for key, value in tree.items()}

    def replace_argument(tree: Any) -> Any:
        return tree if _number(tree) is not None else replace(tree)

    text = json.dumps(replace(json.loads(expression.meta.serialize(format="json"))))
    return pl.Expr.deserialize(io.StringIO(text), format="json"), numbers


def _number(tree: Any) -> int | float | None:
    """The number, where a node of an expression is a literal number; else None."""
    literal = tree.get("Literal") if isinstance(tree, dict) else None
    kinds = literal.get("Dyn") or literal.get("Scalar") if isinstance(literal, dict) else None
    value = (
        next((kinds[kind] for kind in ("Int", "Float", "Int64", "Float64") if kind in kinds), None) if kinds else None
    )
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _check(name: str, text: str) -> str:
    """The JSON, written again from what was checked, so that Polars cannot read anything else from it."""
    tree = json.loads(text)
    unknown = sorted(set(_nodes(tree)) - _NODES)
    if unknown:
        raise InvalidInput(
            f"{', '.join(unknown)} cannot be served",
            code="code_in_expression",
            where=f'derived feature "{name}"',
            hint="use Polars expressions of one row: no aggregates, no Python functions, no plugins",
        )
    return json.dumps(tree, separators=(",", ":"))


def _nodes(tree: Any, *, node: bool = True) -> Iterator[str]:
    """The names of all nodes in the JSON of an expression; `node`: whether a plain string is the name of one here."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield key
            if key == "Alias" and isinstance(value, list):  # an expression and its name
                yield from _nodes(value[:-1])
            else:
                yield from _nodes(value, node=node and key not in _VALUES)
    elif isinstance(tree, list):
        for item in tree:
            yield from _nodes(item, node=node)
    elif isinstance(tree, str) and node:
        yield tree
