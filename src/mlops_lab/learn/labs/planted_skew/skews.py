"""What release 4.2 of the client sent otherwise than it was learned; which, and since when, the seed decides."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from mlops_lab.learn.labs.data.cases import Case, Request
from mlops_lab.learn.labs.data.layout import Layout, NumberField, TextField
from mlops_lab.learn.labs.data.words import fill_words

PAST_DAYS, LIVE_DAYS = 35, 16
_START = Path(__file__).parent / "start"


@dataclass(frozen=True)
class Skew:
    """A field that is sent otherwise from a day on."""

    field: NumberField | TextField
    since: date

    @property
    def name(self) -> str:
        """The name of the field."""
        return self.field.name

    def change(self, request: Request) -> Request:
        """The request as release 4.2 sends it."""
        value = request[self.name]
        if isinstance(self.field, TextField):
            return {**request, self.name: self.field.renamed.get(value, value)}
        return {**request, self.name: None if value is None else round(value * self.field.factor)}


def plan_skews(layout: Layout) -> tuple[Skew, Skew]:
    """A text and a number, each from a day of its own."""
    random = Random(layout.seed)
    first, second = random.sample(range(6, 12), 2)
    number, text = random.choice(layout.spoiled_numbers), random.choice(layout.spoiled_texts)
    return Skew(text, layout.day(PAST_DAYS + first)), Skew(number, layout.day(PAST_DAYS + second))


def make_cart(case: Case) -> dict[str, Any]:
    """What a client has of a row: numbers in small units, codes for texts."""
    layout, cart = case.layout, case.request
    for number in layout.spoiled_numbers:
        value = cart.pop(number.name)
        cart[number.raw] = None if value is None else round(value * number.factor)
    for text in layout.spoiled_texts:
        codes = {value: code for code, value in text.codes.items()}
        value = cart.pop(text.name)
        cart[text.raw] = None if value is None else codes[value]
    return cart


def write_client(path: Path, layout: Layout, wrong: set[str]) -> None:
    """The client's program, with the faults of these fields."""
    spoiled = {item.name: item for item in layout.spoiled}
    lines = [_line(spoiled.get(name), name, is_wrong=name in wrong) for name in ("id", *layout.fields)]
    tables = [_table(text, is_wrong=text.name in wrong) for text in layout.spoiled_texts]
    template = (_START / "client.py.txt").read_text(encoding="utf-8")
    path.write_text(fill_words(template, layout, tables="\n".join(tables), lines="\n".join(lines)), encoding="utf-8")


def _line(field: NumberField | TextField | None, name: str, *, is_wrong: bool) -> str:
    if isinstance(field, TextField):
        return f'        "{name}": {name.upper()}_NAMES.get(cart["{field.raw}"]),'
    if field is None:
        return f'        "{name}": cart["{name}"],'
    raw = f'cart["{field.raw}"]'
    return f'        "{name}": {raw if is_wrong else f"None if {raw} is None else {raw} / {field.factor}"},'


def _table(text: TextField, *, is_wrong: bool) -> str:
    names = {code: text.renamed.get(value, value) if is_wrong else value for code, value in text.codes.items()}
    rows = "\n".join(f"    {_quoted(code)}: {_quoted(value)}," for code, value in names.items())
    return f"{text.name.upper()}_NAMES = {{\n{rows}\n}}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def write_carts(path: Path, layout: Layout) -> None:
    """The page that says what a client has."""
    raw = {item.name for item in layout.spoiled}
    kept = ", ".join(f"`{name}`" for name in ("id", *layout.fields) if name not in raw)
    rows = [f"| {kept} | as in a request |"]
    for text in layout.spoiled_texts:
        codes = ", ".join(f"`{code}` {value}" for code, value in text.codes.items())
        rows.append(f"| `{text.raw}` | the {text.name}: {codes}; `None` where it is not known |")
    rows.extend(
        f"| `{number.raw}` | {number.name} in {number.wrong}, a whole number; `None` where it is not known |"
        for number in layout.spoiled_numbers
    )
    template = (_START / "carts.md").read_text(encoding="utf-8")
    path.write_text(fill_words(template, layout, fields="\n".join(rows)), encoding="utf-8")


def ask_as_then(case: Case, skews: tuple[Skew, ...]) -> Request:
    """The request that the client sent for a row."""
    request = case.request
    for skew in skews:
        if case.at.date() >= skew.since:
            request = skew.change(request)
    return request
