"""A project with a few rows of the small project's data, and a lake of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from mlops_lab.lake import Lake
from mlops_lab.project import Project


@dataclass
class Small:
    """The project, its lake, and the rows that its data files hold."""

    project: Project
    lake: Lake
    orders: pl.DataFrame
    stock: pl.DataFrame

    def write(self, *, orders: pl.DataFrame | None = None, stock: pl.DataFrame | None = None) -> None:
        """Replace the data files."""
        folder = self.project.root / "data"
        (self.orders if orders is None else orders).write_parquet(folder / "orders.parquet")
        (self.stock if stock is None else stock).write_parquet(folder / "stock.parquet")


@pytest.fixture
def make_small(tiny, write_project: Callable[..., Project], tmp_path: Path) -> Callable[..., Small]:
    """Makes the project, some of the text of its mlops.toml replaced."""

    def make(*replacements: tuple[str, str]) -> Small:
        (tmp_path / "data").mkdir()
        project = write_project(tmp_path, *replacements)
        data = tiny.project.root / "data"
        orders, stock = (pl.read_parquet(data / f"{name}.parquet").head(10) for name in ("orders", "stock"))
        small = Small(project, Lake(project.lake_path), orders, stock)
        small.write()
        return small

    return make


@pytest.fixture
def small(make_small: Callable[..., Small]) -> Small:
    """The project as it is."""
    return make_small()
