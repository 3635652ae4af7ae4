"""The text of `def model()` in a new project: what makes the estimator of a recipe."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlops_lab.starter.recipe import MEDIUM_ROWS, Recipe, Trees, list_trees

_CATEGORY_PARAMETERS = ("min_data_per_group", "cat_smooth")
_WIDTH = 120
_WORDS = 'TfidfVectorizer(lowercase=False, token_pattern="[^ ]+", norm=None, max_features=2000)'
_WEIGHTED_WORDS = 'TfidfVectorizer(lowercase=False, token_pattern="[^ ]+", max_features=2000)'
_CODES = 'OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)'
_ONE_HOT = 'OneHotEncoder(handle_unknown="ignore", min_frequency=10, max_categories=20)'
_IMPORTS = {
    "LGBMClassifier": "lightgbm",
    "LGBMRegressor": "lightgbm",
    "make_column_transformer": "sklearn.compose",
    "VotingClassifier": "sklearn.ensemble",
    "VotingRegressor": "sklearn.ensemble",
    "TfidfVectorizer": "sklearn.feature_extraction.text",
    "SimpleImputer": "sklearn.impute",
    "LogisticRegression": "sklearn.linear_model",
    "Ridge": "sklearn.linear_model",
    "make_pipeline": "sklearn.pipeline",
    "OneHotEncoder": "sklearn.preprocessing",
    "OrdinalEncoder": "sklearn.preprocessing",
    "StandardScaler": "sklearn.preprocessing",
}


@dataclass(frozen=True)
class ModelInputs:
    """The inputs of a model by their kind. `text`: lower-case words with single spaces between them."""

    numbers: Sequence[str]
    categories: Sequence[str]
    text: Sequence[str]


def write_model(
    task: str,
    *,
    rows: int,
    numbers: Sequence[str],
    categories: Sequence[str],
    text: Sequence[str],
    weight: str | None = None,
    recipe: Recipe | None = None,
    comparison: Sequence[str] = (),
) -> str:
    """The function `model` of `pipeline.py`, for the task ("binary", "multiclass" or "regression") and its inputs.

    Trees are LightGBM alone, or, where there are text columns or a linear model beside them, a pipeline that encodes
    the inputs. `weight` names the field with the weights of rows; it is no input. `comparison` says in comments above
    the function what the recipe was compared with.
    """
    recipe = recipe or list_trees(task, rows)[0]
    inputs = ModelInputs(numbers, categories, text)
    is_plain = not recipe.is_blend and not text
    parts, body = [], []
    if recipe.has_line:
        parts.append("line")
        body += [*_write_line(task, inputs), ""]
    if recipe.trees and not is_plain and (categories or text):
        body += _encode(inputs)
    for number, trees in enumerate(recipe.trees):
        parts.append("more_trees" if number else "trees")
        is_encoded = not is_plain and bool(categories or text)
        body += _write_trees(trees, parts[-1], task, rows, inputs, weight=weight, is_encoded=is_encoded)
    if recipe.is_blend:
        vote = "VotingRegressor(parts)" if task == "regression" else 'VotingClassifier(parts, voting="soft")'
        listed = ", ".join(f'("{part}", {part})' for part in parts)
        body += ["", "# the mean of all", f"parts = [{listed}]", f"return {vote}"]
    elif is_plain and recipe.trees:
        body[0] = body[0].replace("trees = ", "return ", 1)
    else:
        body = [*(body[:-1] if body[-1] == "" else body), f"return {parts[0]}"]
    function = [
        "def model() -> Any:",
        '    """The estimator. Its import is in here so that the features can be used without it."""',
        *_indent([*_write_imports(body), "", *body]),
        "",
    ]
    return "\n".join([*(f"# {line}" for line in comparison), *function])


def _write_imports(body: Sequence[str]) -> list[str]:
    """The import statements that the lines need, sorted."""
    used: dict[str, list[str]] = {}
    code = "\n".join(line for line in body if not line.startswith("#"))
    for name, module in _IMPORTS.items():
        if f"{name}(" in code:
            used.setdefault(module, []).append(name)
    return [f"from {module} import {', '.join(names)}" for module, names in used.items()]


def _write_line(task: str, inputs: ModelInputs) -> list[str]:
    """The lines that assign `line`: a linear model on scaled numbers, one-hot categories and weighted words."""
    model = "Ridge()" if task == "regression" else "LogisticRegression(max_iter=300)"
    scale = "SimpleImputer(keep_empty_features=True), StandardScaler()"
    comment = "# a linear model on scaled numbers; missing ones become the mean"
    if not inputs.categories and not inputs.text:
        return [comment, f"line = make_pipeline({scale}, {model})"]
    lines = [
        "# a linear model: numbers are scaled, missing ones become the mean; a category or word has a weight of its own"
    ]
    lines += [f"scaled = make_pipeline({scale})"] if inputs.numbers else []
    lines += [f"one_hot = {_ONE_HOT}"] if inputs.categories else []
    lines += [f"weighted = {_WEIGHTED_WORDS}"] if inputs.text else []
    lines += ["columns = make_column_transformer(", *(f"    (weighted, {_quote(name)})," for name in inputs.text)]
    lines += _indent(_lay_out("one_hot", inputs.categories)) if inputs.categories else []
    lines += ["    remainder=scaled,"] if inputs.numbers else []
    lines += [] if inputs.text else ["    sparse_threshold=0,"]
    return [*lines, ")", f"line = make_pipeline(columns, {model})"]


def _write_trees(
    trees: Trees, part: str, task: str, rows: int, inputs: ModelInputs, *, weight: str | None, is_encoded: bool
) -> list[str]:
    """The lines that assign LightGBM to the name `part`, after the step `encoded` if there is one."""
    name = "LGBMRegressor" if task == "regression" else "LGBMClassifier"
    parameters = _explain(trees, rows, categories=bool(inputs.categories) and not is_encoded, weight=weight)
    if not is_encoded:
        return [f"{part} = {name}(", *_indent(parameters), ")"]
    boosted = part.replace("trees", "boosted")
    return [f"{boosted} = {name}(", *_indent(parameters), ")", f"{part} = make_pipeline(encoded, {boosted})"]


def _explain(trees: Trees, rows: int, *, categories: bool, weight: str | None) -> list[str]:
    """The parameters as lines of a call; each group has a comment with its reason."""
    chosen = dict(trees.parameters)
    grouping = {name: value for name, value in chosen.items() if name in _CATEGORY_PARAMETERS}
    lines = [f"# {trees.reason}", *_assign({name: chosen[name] for name in chosen if name not in grouping})]
    if categories and grouping:
        lines += ["# a group of categories needs this many rows to be separated from others", *_assign(grouping)]
    if weight:
        lines += [f'# rows are weighted by "{weight}": reg_lambda expects weights of about 1 on average']
    threads = 1 if rows < MEDIUM_ROWS else 2  # on few rows a second thread costs more than it saves
    fixed = {"n_jobs": threads, "deterministic": True, "force_row_wise": True, "random_state": 1, "verbose": -1}
    return [*lines, "# the same rows give the same model", *_assign(fixed)]


def _encode(inputs: ModelInputs) -> list[str]:
    """The lines of the step before the trees: words are counted, categories numbered, numbers left unchanged."""
    lines = []
    if inputs.text:
        lines += [
            "# how often each word occurs, not relative to the length of the text: trees work best with plain counts"
        ]
        lines += [f"words = {_WORDS}"]
    if inputs.categories:
        lines += ["# categories as numbers in alphabetical order; -1 is an unknown category", f"codes = {_CODES}"]
    lines += ["encoded = make_column_transformer(", *(f"    (words, {_quote(name)})," for name in inputs.text)]
    lines += _indent(_lay_out("codes", inputs.categories)) if inputs.categories else []
    comment = "  # the numbers, with NaN where they are missing" if inputs.numbers else ""
    return [*lines, f'    remainder="passthrough",{comment}', ")"]


def _lay_out(step: str, names: Sequence[str]) -> list[str]:
    """`(step, [names]),` on one line where it fits at an indent of eight, else broken as a formatter breaks it."""
    quoted = [_quote(name) for name in names]
    listed = f"[{', '.join(quoted)}]"
    if len(one := f"({step}, {listed}),") <= _WIDTH - 8:
        return [one]
    whole = [f"{listed},"] if len(listed) + 1 <= _WIDTH - 12 else ["[", *(f"    {name}," for name in quoted), "],"]
    return ["(", *_indent([f"{step},", *whole]), "),"]


def _assign(values: dict[str, Any]) -> list[str]:
    return [f"{name}={value}," for name, value in values.items()]


def _indent(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]


def _quote(name: str) -> str:
    """The name as a formatter quotes it."""
    return f"'{name}'" if '"' in name and "'" not in name and "\\" not in name else json.dumps(name, ensure_ascii=False)
