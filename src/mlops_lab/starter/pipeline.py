"""The text of `pipeline.py`: what the model sees, and the model."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mlops_lab.starter.recipe import write_model
from mlops_lab.starter.understand import Understanding

_WIDTH = 120
_HOURS = {"hour": "dt.hour()", "weekday": "dt.weekday()", "month": "dt.month()"}


def write_pipeline(found: Understanding) -> str:
    """`pipeline.py` for what was understood: formatted, and short enough to be read."""
    numbers = [column.field for column in found.of_role("number")]
    categories = [column.field for column in found.of_role("category")]
    derived = _derive(found)
    words = [name for name in derived if name not in _names_of_parts(found)]
    parts = [name for name in derived if name not in words]
    lists = {"numbers": numbers, "categories": categories, "moments": parts, "texts": words}
    named = {name: values for name, values in lists.items() if values}
    lines = ['"""How a request becomes a prediction: what the model sees, and the model."""', ""]
    lines += ["from typing import Any", ""]
    lines += ["import polars as pl"] if derived else []
    lines += ["from mlops_lab.features import Features", ""]
    for name, values in named.items():
        lines += _write_list(name, values)
    lines += ["", "features = Features(", f"    inputs=[{', '.join('*' + name for name in named)}],"]
    if derived:
        lines += ["    derived={", *(f"        {_text(name)}: {text}," for name, text in derived.items()), "    },"]
    lines += [")", "", ""]
    seen = [*numbers, *parts]
    model = write_model(found.task, rows=found.rows, numbers=seen, categories=categories, text=words)
    return "\n".join(lines) + "\n" + model.strip("\n") + "\n"


def _derive(found: Understanding) -> dict[str, str]:
    """The derived features, as text: parts of moments, and free text as words with single spaces between them."""
    taken = {one.column.field for one in found.columns}
    derived: dict[str, str] = {}
    for field, part, name in _parts(found):
        derived[_free(name, taken)] = f"pl.col({_text(field)}).{_HOURS[part]}"
    for column in found.of_role("text"):
        name = _free(f"{column.field}_words", taken)
        lowered = f"pl.col({_text(column.field)}).str.to_lowercase()"
        derived[name] = f'{lowered}.str.replace_all(r"[^\\p{{L}}\\p{{N}}]+", " ").str.strip_chars()'
    return derived


def _parts(found: Understanding) -> list[tuple[str, str, str]]:
    return [(field, part, f"{field}_{part}") for field, parts in found.parts.items() for part in parts]


def _names_of_parts(found: Understanding) -> set[str]:
    taken = {one.column.field for one in found.columns}
    return {_free(name, taken) for _, _, name in _parts(found)}


def _free(name: str, taken: set[str]) -> str:
    return name if name not in taken else f"{name}_of"


def _write_list(name: str, values: Sequence[str]) -> list[str]:
    """A list on one line where it fits, else a name a line."""
    one = f"{name} = [{', '.join(map(_text, values))}]"
    if len(one) <= _WIDTH:
        return [one]
    return [f"{name} = [", *(f"    {_text(value)}," for value in values), "]"]


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
