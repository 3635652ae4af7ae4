"""What a lab's texts call its data: `{rows}` in a story are orders, flights, or cases."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from mlops_lab.learn.labs.data.layout import Layout

_PLACE = re.compile(r"\{(\w+)\}")
_CAPITAL = {"A_row": "a_row", "A_person": "a_person", "Asker": "asker", "Owner": "owner"}


def fill_words(text: str, layout: Layout, **more: str) -> str:
    """The text with each word in braces replaced by what it means for this data; KeyError where a word is unknown."""
    words = words_of(layout)
    return _PLACE.sub(lambda found: more[found[1]] if found[1] in more else words[found[1]], text)


def words_of(layout: Layout) -> dict[str, str]:
    """All words, by name."""
    fields = _words_of_fields(layout)
    told = {
        name: _PLACE.sub(lambda found: fields[found[1]], text) for name, text in _read_words()[layout.source].items()
    }
    person = told["person"]
    words = {**fields, **told, "a_person": f"{'an' if person[0] in 'aeiou' else 'a'} {person}"}
    return words | {capital: words[small][0].upper() + words[small][1:] for capital, small in _CAPITAL.items()}


@cache
def _read_words() -> Mapping[str, dict[str, str]]:
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))


def _words_of_fields(layout: Layout) -> dict[str, str]:
    """The names of fields, and what is to be said about units and limits."""
    spoiled = layout.spoiled_numbers
    number = spoiled[0]
    inputs = [*layout.numbers, *layout.categories, *(f"the {part} of {layout.time}" for part in layout.parts)]
    return {
        "id": layout.id,
        "time": layout.time,
        "label": layout.label,
        "key": layout.key,
        "coarse_key": layout.coarse_key,
        "group": layout.group,
        "per_day": str(layout.per_day),
        "first_day": str(layout.first_day),
        "all_inputs": _list(inputs),
        "text": layout.spoiled_texts[0].name,
        "number": number.name,
        "wrong": number.wrong,
        "low": f"{number.low:g}",
        "high": f"{number.high:g}",
        "too_high": f"{15 * number.high:g} ({number.right})",
        "numbers": _list([item.name for item in spoiled]),
        "factors": " or ".join(str(item.factor) for item in spoiled),
        "units": _list([f"{item.name} in {item.right}" for item in spoiled]),
        "unit_rules": ", ".join(f"{item.right} are {item.wrong} / {item.factor}" for item in spoiled),
        "limits": ", ".join(
            f"`{item.name}` lies between {item.low:g} and {item.high:g} {item.right}" for item in spoiled
        )
        + ".",
        "limit_rules": "; ".join(f"for {item.name} `min = {item.low:g}, max = {item.high:g}`" for item in spoiled),
    }


def _list(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
