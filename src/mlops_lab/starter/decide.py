"""What a person decides, what is asked, and what is wrong with an answer."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlops_lab.errors import InvalidInput
from mlops_lab.starter.columns import Column

NO_COLUMN = "none"


@dataclass(frozen=True)
class Options:
    """What a person has decided: names of columns, as the data or as the fields have them. None: nothing yet."""

    target: str
    time: str | None = None
    key: str | None = None
    id: str | None = None
    task: str = "auto"


@dataclass(frozen=True)
class Question:
    """What the table cannot decide. `default`: what is taken where nobody answers."""

    option: str
    text: str
    choices: tuple[str, ...]
    default: str


Ask = Callable[[Question], str]


def take_default(question: Question) -> str:
    """The answer of nobody."""
    return question.default


def find_column(name: str, columns: Mapping[str, Column], option: str) -> str:
    """The column that a person means; InvalidInput names those that are near."""
    if name in columns:
        return name
    for column in columns.values():
        if column.field == name:
            return column.name
    near = difflib.get_close_matches(name, columns, n=3, cutoff=0.5)
    shown = ", ".join(near or list(columns)[:20])
    hint = f"did you mean {shown}?" if near else f"the data has {shown}"
    raise InvalidInput(f'there is no column "{name}"', code="unknown_column", where=option, hint=hint)


def wrong_choice(what: str, option: str, hint: str) -> InvalidInput:
    """The error of an option that will not do."""
    return InvalidInput(what, code="bad_choice", where=option, hint=hint)
