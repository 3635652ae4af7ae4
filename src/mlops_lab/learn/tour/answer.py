"""A question, what its answer must contain, and what is wrong with one that was typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_DAY = re.compile(r"\b(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}\S*)?")
_NUMBER = re.compile(r"(?<![\w.@-])v?(-?\d+(?:,\d{3})*(?:\.\d+)?)(?![\w@])|\b(none|nothing|zero)\b", re.IGNORECASE)
_WORD = re.compile(r"[\w.@]+")
MIN_DECIMALS = 2


@dataclass(frozen=True)
class Expected:
    """What an answer contains: days and numbers, in this order, and words, in any.

    Only words in `vocabulary` count; a learner may write any others around them.
    """

    days: tuple[date, ...] = ()
    numbers: tuple[float, ...] = ()
    words: frozenset[str] = frozenset()
    vocabulary: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Question:
    """A question, the command that answers it, and what to look at `again` after a wrong answer."""

    name: str
    text: str
    command: str
    again: str
    expected: Expected


def find_fault(expected: Expected, answer: str) -> str | None:
    """What is wrong with an answer, without the right one; None: nothing."""
    days = _DAY.findall(answer)
    numbers = [number or "0" for number, _ in _NUMBER.findall(_DAY.sub(" ", answer))] if expected.numbers else []
    words = {word.strip(".").lower() for word in _WORD.findall(answer)} & {*map(str.lower, expected.vocabulary)}
    wanted_words = {*map(str.lower, expected.words)}
    if len(days) != len(expected.days):
        return f"expected {_count(len(expected.days), 'day')}, such as 2013-03-09; got {len(days)}"
    if days != [str(day) for day in expected.days]:
        return "it is another day"
    if len(numbers) != len(expected.numbers):
        return f"expected {_count(len(expected.numbers), 'number')}; got {len(numbers)}"
    for text, number in zip(numbers, expected.numbers, strict=True):
        if not _is_number(text, number):
            return _describe_number(text, number)
    if missing := len(wanted_words - words):
        return f"{_count(missing, 'word')} missing"
    return "some of it does not belong there" if words - wanted_words else None


def _is_number(text: str, number: float) -> bool:
    """Whether the text is the number: exactly, or rounded or cut to at least two decimals."""
    given, decimals = float(text.replace(",", "")), len(text.partition(".")[2])
    if float(number).is_integer():
        return given == number
    return decimals >= MIN_DECIMALS and abs(given - number) < 10.0**-decimals


def _describe_number(text: str, number: float) -> str:
    is_rounded = not float(number).is_integer() and len(text.partition(".")[2]) < MIN_DECIMALS
    return (
        f"{text} is too coarse: write at least two decimals" if is_rounded else f"{text} is not what the project says"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
