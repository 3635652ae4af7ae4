"""The text of `pipeline.py`: the features and the model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mlops_lab.starter.analysis import TableAnalysis
from mlops_lab.starter.choose_recipe import ChosenRecipe
from mlops_lab.starter.model_text import ModelInputs, write_model

_WIDTH = 120
_PARTS = {
    "hour": "{date}.dt.hour()",
    "weekday": "{date}.dt.weekday()",
    "month": "{date}.dt.month()",
    "year": "{date}.dt.year()",
    "trend": "{date}.dt.year() + {date}.dt.ordinal_day() / 366",
    "age": "({time} - {date}).dt.total_days()",
}


def write_pipeline(analysis: TableAnalysis, chosen: ChosenRecipe | None = None) -> str:
    """The text of `pipeline.py` for the analysed table, formatted, with the recipe that was chosen for it."""
    derived = _derive(analysis)
    lists = _list_inputs(analysis, derived)
    named = {name: values for name, values in lists.items() if values}
    lines = ['"""How a request becomes a prediction: the features and the model."""', ""]
    lines += ["from typing import Any", ""]
    lines += ["import polars as pl"] if derived else []
    lines += ["from mlops_lab.features import Features", ""]
    for name, values in named.items():
        lines += _write_list(name, values)
    lines += ["", "features = Features(", f"    inputs=[{', '.join('*' + name for name in named)}],"]
    if derived:
        lines += ["    derived={", *(f"        {_text(name)}: {text}," for name, text in derived.items()), "    },"]
    lines += [")", "", ""]
    kinds = list_model_inputs(analysis)
    model = write_model(
        analysis.task,
        rows=analysis.rows,
        numbers=kinds.numbers,
        categories=kinds.categories,
        text=kinds.text,
        recipe=chosen.recipe if chosen else None,
        comparison=chosen.comparison if chosen else (),
    )
    return "\n".join(lines) + "\n" + model.strip("\n") + "\n"


def list_model_inputs(analysis: TableAnalysis) -> ModelInputs:
    """The inputs of the model by their kind."""
    lists = _list_inputs(analysis, _derive(analysis))
    return ModelInputs([*lists["numbers"], *lists["moments"]], lists["categories"], lists["texts"])


def _list_inputs(analysis: TableAnalysis, derived: Mapping[str, str]) -> dict[str, list[str]]:
    """The lists of inputs in `pipeline.py`, by their name."""
    parts = _names_of_parts(analysis)
    return {
        "numbers": [column.field for column in analysis.of_role("number")],
        "categories": [column.field for column in analysis.of_role("category")],
        "moments": [name for name in derived if name in parts],
        "texts": [name for name in derived if name not in parts],
    }


def _derive(analysis: TableAnalysis) -> dict[str, str]:
    """The derived features by name, as expressions: parts of moments, and texts as words separated by single spaces."""
    taken = {item.column.field.lower() for item in analysis.columns}
    derived: dict[str, str] = {}
    time = analysis.first("time")
    moment = f"pl.col({_text(time.field)})" if time else ""
    for field, part, name in _list_parts(analysis):
        derived[_take_name(name, taken)] = _PARTS[part].format(date=f"pl.col({_text(field)})", time=moment)
    for column in analysis.of_role("text"):
        name = _take_name(f"{column.field}_words", taken)
        lowered = f"pl.col({_text(column.field)}).str.to_lowercase()"
        derived[name] = f'{lowered}.str.replace_all(r"[^\\p{{L}}\\p{{N}}]+", " ").str.strip_chars()'
    return derived


def _list_parts(analysis: TableAnalysis) -> list[tuple[str, str, str]]:
    return [(field, part, f"{field}_{part}") for field, parts in analysis.parts.items() for part in parts]


def _names_of_parts(analysis: TableAnalysis) -> set[str]:
    taken = {item.column.field.lower() for item in analysis.columns}
    return {_take_name(name, taken) for _, _, name in _list_parts(analysis)}


def _take_name(name: str, taken: set[str]) -> str:
    """The name, with as many `_of` as make it free; from now on it is taken."""
    while name.lower() in taken:
        name = f"{name}_of"
    taken.add(name.lower())
    return name


def _write_list(name: str, values: Sequence[str]) -> list[str]:
    """The lines of a list: one where it fits, else one for each name."""
    line = f"{name} = [{', '.join(map(_text, values))}]"
    if len(line) <= _WIDTH:
        return [line]
    return [f"{name} = [", *(f"    {_text(value)}," for value in values), "]"]


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
