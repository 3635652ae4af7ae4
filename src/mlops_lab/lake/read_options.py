"""How a file is written, where its content does not say so: settings of `[source]`, and flags of `mlops init`."""

from __future__ import annotations

import csv
from dataclasses import dataclass

from mlops_lab.errors import InvalidInput


@dataclass(frozen=True)
class ReadOptions:
    """How a file is to be read; what is empty or None is detected.

    `encoding`: of text that is not UTF-8. `names`: the names of the columns, for a text file whose first line is a row.
    `decimal`: the character before the decimals of numbers in text, "." or ",". `na`: more marks of missing values, in
    columns of text too. `sheet`: the sheet of a workbook.
    """

    encoding: str | None = None
    names: tuple[str, ...] = ()
    decimal: str | None = None
    na: tuple[str, ...] = ()
    sheet: str | None = None


DETECT = ReadOptions()


def split_names(text: str | None) -> tuple[str, ...]:
    """The names of `--names a,b,c`; one with a comma stands in quotes."""
    names = tuple(name.strip() for name in next(csv.reader([text]))) if text else ()
    if "" in names:
        hint = "write one name for each column: --names a,b,c"
        raise InvalidInput(f"name {names.index('') + 1} is empty", code="bad_names", where="--names", hint=hint)
    return names


def check_decimal(text: str | None) -> str | None:
    """The character of `--decimal`; InvalidInput where it is another one."""
    if text not in {None, ".", ","}:
        raise InvalidInput(f"{text!r} is neither . nor ,", code="bad_choice", where="--decimal", hint="--decimal ,")
    return text
