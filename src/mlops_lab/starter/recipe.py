"""The default model of a new project, as the text of `def model()`."""

from __future__ import annotations

from collections.abc import Sequence


def write_model(
    task: str, *, rows: int, numbers: Sequence[str], categories: Sequence[str], text: Sequence[str], weight: bool
) -> str:
    """The function `model` of `pipeline.py`, for a task of `Project.task` and inputs of these kinds."""
    del numbers, categories, weight
    name = "LGBMRegressor" if task == "regression" else "LGBMClassifier"
    parameters = {
        "n_estimators": 200,
        "learning_rate": 0.05,
        "num_leaves": 31 if rows >= 2000 else 7,
        "min_child_samples": 20,
        "deterministic": True,
        "force_row_wise": True,
        "random_state": 1,
        "verbose": -1,
    }
    lines = [f"{name}(", *(f"    {key}={value}," for key, value in parameters.items()), ")"]
    if not text:
        body = [f"from lightgbm import {name}", "", f"return {lines[0]}", *lines[1:]]
    else:
        body = [
            f"from lightgbm import {name}",
            "from sklearn.compose import make_column_transformer",
            "from sklearn.feature_extraction.text import TfidfVectorizer",
            "from sklearn.pipeline import make_pipeline",
            "",
            "columns = make_column_transformer(",
            *(
                f'    (TfidfVectorizer(lowercase=False, token_pattern="[^ ]+", max_features=2000), "{column}"),'
                for column in text
            ),
            '    remainder="passthrough",',
            ")",
            f"return make_pipeline(columns, {lines[0]}",
            *lines[1:-1],
            "))",
        ]
    return "\n".join(
        [
            "def model() -> Any:",
            '    """The estimator; imported here so that nothing heavy loads where only the features are needed."""',
            *(f"    {line}" if line else "" for line in body),
            "",
        ]
    )
