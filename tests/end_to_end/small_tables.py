"""Two small projects from public tables: a class and a number as target, data without ids and moments."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from sklearn.datasets import load_diabetes, load_iris

IRIS = """
[project]
name = "iris"

[source]
table = "flowers"
data = "data.csv"
label = "species"
order = "shuffled" # the file is sorted by species

[source.request]
sepal_length = "float"
sepal_width = "float"
petal_length = "float?"
petal_width = "float"

[source.outcome]
species = { type = "string", categories = ["setosa", "versicolor", "virginica"] }

[backtest]
share = 0.2

[rollout]
shadow_days = 1
canary_days = 1
"""
DIABETES = """
[project]
name = "diabetes"

[source]
table = "patients"
data = "data.csv"
label = "target"

[source.request]
age = "float"
bmi = "float"
bp = "float"
s5 = "float"

[source.outcome]
target = "float"

[backtest]
share = 0.2

[gates]
max_calibration_gap = 0.3
"""
PIPELINE = """
from mlops_lab.features import Features

features = Features(inputs={inputs})


def model():
    from sklearn.linear_model import {kind}
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), {kind}({options}))
"""


def write_iris(folder: Path) -> None:
    folder.mkdir()
    bunch = load_iris()
    names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    frame = pl.DataFrame(bunch.data, schema=names)
    species = [str(bunch.target_names[code]) for code in bunch.target]
    frame.with_columns(pl.Series("species", species)).write_csv(folder / "data.csv")
    (folder / "mlops.toml").write_text(IRIS)
    (folder / "pipeline.py").write_text(PIPELINE.format(inputs=names, kind="LogisticRegression", options="C=0.05"))


def write_diabetes(folder: Path) -> None:
    folder.mkdir()
    bunch = load_diabetes(scaled=False)
    frame = pl.DataFrame(bunch.data, schema=bunch.feature_names).select("age", "bmi", "bp", "s5")
    frame.with_columns(pl.Series("target", bunch.target)).write_csv(folder / "data.csv")
    (folder / "mlops.toml").write_text(DIABETES)
    (folder / "pipeline.py").write_text(PIPELINE.format(inputs=frame.columns, kind="Ridge", options="alpha=1.0"))


WRITERS = {"iris": write_iris, "diabetes": write_diabetes}
