"""The default model of a new project, as the text of `def model()`: boosted trees, sized by the number of rows.

The learning rate is 0.05, each tree is trained on 70 % of the inputs, and `reg_lambda` is 1. The rest depends on the
number of rows (benchmarks/bench_recipe.py compares it with LightGBM's defaults):

- **below 2,000 rows** trees overfit: 300 trees of 8 leaves, at split points drawn at random.
- **below 50,000** there are enough rows for the best split points: 500 trees; of 8 leaves for classes, since log loss
  punishes overconfident probabilities, and of 15 for numbers, with 85 % of the inputs each.
- **from there on** 400 trees of 31 leaves; at a rate of 0.1 for several classes, where each tree changes little. They
  still take minutes with 10 million rows on two cores.

The minimum of rows in a leaf (3 to 20) and in a group of categories (5 to 100) grows with the number of rows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

SMALL_ROWS, MEDIUM_ROWS = 2_000, 50_000
_CATEGORY_PARAMETERS = ("min_data_per_group", "cat_smooth")
_WIDTH = 120
_WORDS = 'TfidfVectorizer(lowercase=False, token_pattern="[^ ]+", norm=None, max_features=2000)'
_CODES = 'OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)'


def write_model(
    task: str,
    *,
    rows: int,
    numbers: Sequence[str],
    categories: Sequence[str],
    text: Sequence[str],
    weight: str | None = None,
) -> str:
    """The function `model` of `pipeline.py`, for the task ("binary", "multiclass" or "regression") and its inputs.

    LightGBM alone, or, where there are text columns (lower-case words with single spaces between them), a pipeline
    that counts their words. `weight` names the field with the weights of rows; it is no input.
    """
    name = "LGBMRegressor" if task == "regression" else "LGBMClassifier"
    parameters = _explain(task, rows, categories=bool(categories) and not text, weight=weight)
    if not text:
        body = [f"from lightgbm import {name}", "", f"return {name}(", *_indent(parameters), ")"]
    else:
        body = [
            f"from lightgbm import {name}",
            "from sklearn.compose import make_column_transformer",
            "from sklearn.feature_extraction.text import TfidfVectorizer",
            "from sklearn.pipeline import make_pipeline",
            *(["from sklearn.preprocessing import OrdinalEncoder"] if categories else []),
            "",
            *_encode(numbers, categories, text),
            f"trees = {name}(",
            *_indent(parameters),
            ")",
            "return make_pipeline(encoded, trees)",
        ]
    return "\n".join(
        [
            "def model() -> Any:",
            '    """The estimator. Its import is in here so that the features can be used without it."""',
            *_indent(body),
            "",
        ]
    )


def choose_parameters(task: str, rows: int) -> dict[str, Any]:
    """The parameters of LightGBM for a table of this size, without those that make it deterministic."""
    shared = {"learning_rate": 0.05, "reg_lambda": 1.0}
    if rows < SMALL_ROWS:
        size = {"n_estimators": 300, "num_leaves": 8, "min_child_samples": 3, "colsample_bytree": 0.7}
        return {**size, **shared, "extra_trees": True, "min_data_per_group": 5}
    if rows < MEDIUM_ROWS and task != "regression":
        size = {"n_estimators": 500, "num_leaves": 8, "min_child_samples": 5, "colsample_bytree": 0.7}
        return {**size, **shared, "min_data_per_group": 20}
    if rows < MEDIUM_ROWS:
        size = {"n_estimators": 500, "num_leaves": 15, "min_child_samples": 10, "colsample_bytree": 0.85}
        return {**size, **shared, "min_data_per_group": 20}
    size = {"n_estimators": 400, "num_leaves": 31, "min_child_samples": 20, "colsample_bytree": 0.7}
    rate = {"learning_rate": 0.1} if task == "multiclass" else {}
    return {**size, **shared, **rate, "min_data_per_group": 100, "cat_smooth": 100}


def _explain(task: str, rows: int, *, categories: bool, weight: str | None) -> list[str]:
    """The parameters as lines of a call; each group has a comment with its reason."""
    chosen = choose_parameters(task, rows)
    grouping = {name: value for name, value in chosen.items() if name in _CATEGORY_PARAMETERS}
    lines = [f"# {_reason(rows)}", *_assign({name: chosen[name] for name in chosen if name not in grouping})]
    if categories:
        lines += ["# a group of categories needs this many rows to be separated from others", *_assign(grouping)]
    if weight:
        lines += [f'# rows are weighted by "{weight}": reg_lambda expects weights of about 1 on average']
    threads = 1 if rows < MEDIUM_ROWS else 2  # on few rows a second thread costs more than it saves
    fixed = {"n_jobs": threads, "deterministic": True, "force_row_wise": True, "random_state": 1, "verbose": -1}
    return [*lines, "# the same rows give the same model", *_assign(fixed)]


def _reason(rows: int) -> str:
    if rows < SMALL_ROWS:
        return f"{rows:,} rows: small trees at random split points, so that none memorises single rows"
    if rows < MEDIUM_ROWS:
        return f"{rows:,} rows: many small trees"
    return f"{rows:,} rows: many trees of a usual size; more trees and leaves gain little and cost time"


def _encode(numbers: Sequence[str], categories: Sequence[str], text: Sequence[str]) -> list[str]:
    """The lines of the step before the trees: words are counted, categories numbered, numbers left unchanged."""
    lines = ["# how often each word occurs, not relative to the length of the text: trees work best with plain counts"]
    lines += [f"words = {_WORDS}"]
    if categories:
        lines += ["# categories as numbers in alphabetical order; -1 is an unknown category", f"codes = {_CODES}"]
    lines += ["encoded = make_column_transformer(", *(f"    (words, {_quote(name)})," for name in text)]
    if categories:
        lines += _indent(_lay_out("codes", categories))
    comment = "  # the numbers, with NaN where they are missing" if numbers else ""
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
