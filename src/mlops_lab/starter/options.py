"""The options of `mlops init`, the questions it asks, and the errors of a wrong choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.columns import unknown_column
from mlops_lab.starter.columns import ColumnProfile

NO_COLUMN = "none"


@dataclass(frozen=True)
class InitOptions:
    """The options of `mlops init`: columns by their name in the data or as a field. None: not decided.

    `format`: how moments are written in text, where that is not clear.
    """

    target: str
    time: str | None = None
    key: str | None = None
    id: str | None = None
    task: str = "auto"
    format: str | None = None


@dataclass(frozen=True)
class UserQuestion:
    """A question that the table cannot answer. `default`: the answer that is proposed, and taken where nobody is asked;
    `needs_answer`: it is not taken, and the option has to be given."""

    option: str
    text: str
    choices: tuple[str, ...]
    default: str
    needs_answer: bool = False


Ask = Callable[[UserQuestion], str]


def take_default(question: UserQuestion) -> str:
    """The default answer, without asking anybody; InvalidInput where the question needs an answer."""
    if question.needs_answer:
        choices = ", ".join(question.choices)
        raise InvalidInput(
            f"is not given, and the table does not tell: {question.text} ({choices})",
            code="unclear_column",
            where=question.option,
            hint=f"name it, such as {question.option} {question.default}",
        )
    return question.default


def find_column(name: str, columns: Mapping[str, ColumnProfile], option: str) -> str:
    """The column of that name, or of that field name; InvalidInput suggests similar names."""
    if name in columns:
        return name
    for column in columns.values():
        if column.field == name:
            return column.name
    raise unknown_column(name, list(columns), option)


def wrong_choice(what: str, option: str, hint: str) -> InvalidInput:
    """The error of an option with a value that is not possible."""
    return InvalidInput(what, code="bad_choice", where=option, hint=hint)
