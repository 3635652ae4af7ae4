"""The small project, and one of classes, as people hold them in a notebook."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sklearn.datasets import load_iris

from mlops_lab import Project

IRIS = """
[project]
name = "iris"

[source]
table = "flowers"
data = "data.csv"
label = "species"
order = "shuffled"

[source.request]
sepal_length = "float"
petal_length = "float"

[source.outcome]
species = { type = "string", categories = ["setosa", "versicolor", "virginica"] }

[backtest]
share = 0.2
"""


@pytest.fixture(scope="module")
def shop(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the small project, for the tests of one file."""
    return Project(shutil.copytree(tiny.project.root, tmp_path_factory.mktemp("notebook") / "tiny"))


@pytest.fixture
def fresh(tiny: Any, tmp_path: Path) -> Project:
    """A copy in which nothing has been loaded yet."""
    ignored = shutil.ignore_patterns(".mlops", "package")
    return Project(shutil.copytree(tiny.project.root, tmp_path / "fresh", ignore=ignored))


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Flowers: three classes, no ids, no moments, no pipeline.py."""
    root = tmp_path_factory.mktemp("iris")
    bunch = load_iris()
    frame = pl.DataFrame({"sepal_length": bunch.data[:, 0], "petal_length": bunch.data[:, 2]})
    species = [str(bunch.target_names[code]) for code in bunch.target]
    frame.with_columns(pl.Series("species", species)).write_csv(root / "data.csv")
    (root / "mlops.toml").write_text(IRIS)
    return Project(root)
