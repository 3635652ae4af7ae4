"""Data that is loaded in parts gives the same tables, notes and errors as data that is read whole."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.clock import EPOCH
from mlops_lab.errors import MlopsError
from mlops_lab.intake import data_size, parted_changes
from mlops_lab.intake.sources import load_sources
from mlops_lab.lake import Lake, parts
from mlops_lab.notes import listening
from mlops_lab.project import Project
from mlops_lab.tables.open_lake import open_lake

Cells = Sequence[Any]
ROWS = 7
DAYS = [EPOCH + timedelta(days=day) for day in range(4)]
IDS: list[tuple[pl.DataType, Cells]] = [
    (pl.String(), [*"abcdefghijklmno", " f ", "NA"]),
    (pl.Int64(), [1, 2, 3, 4, 5, None]),
    (pl.Float64(), [1.0, 2.0, 3.0, 4.0, None]),
]
MOMENTS: list[tuple[pl.DataType, Cells]] = [
    (pl.Datetime("us", "UTC"), DAYS),
    (pl.Datetime("us", "UTC"), [*DAYS, None]),
    (pl.Date(), [day.date() for day in DAYS]),
    (pl.String(), ["2013-01-01", "2013-01-02 10:00", "2013-01-02T10:00:00Z", "02/01/2013", "x", "NA"]),
]
TEXTS: list[tuple[pl.DataType, Cells]] = [
    (pl.String(), ["x", "y"]),
    (pl.String(), ["x", "NA", " ", None]),
    (pl.Int32(), [1, 2]),
]
NUMBERS: list[tuple[pl.DataType, Cells]] = [
    (pl.Float64(), [0.5, -1.0, float("nan"), None]),
    (pl.Float64(), [1.0, float("inf")]),
    (pl.Int16(), [1, 2, None]),
    (pl.String(), ["1", "2.5", "3 ", "NA", "007", "?", "", None]),
    (pl.String(), ["1", "2", "x"]),
    (pl.Boolean(), [True, None]),
]
FLAGS: list[tuple[pl.DataType, Cells]] = [
    (pl.Boolean(), [True, False]),
    (pl.Boolean(), [True, False, None]),
    (pl.Int8(), [0, 1, 2]),
    (pl.String(), ["yes", "no", "TRUE", "maybe"]),
    (pl.String(), ["maybe", None]),
]
ORDERS = {
    "order_id": IDS,
    "asked_at": MOMENTS,
    "customer": TEXTS,
    "shop": TEXTS,
    "amount": NUMBERS,
    "express": FLAGS,
    "known_at": MOMENTS,
    "late": FLAGS,
    "minutes": NUMBERS,
    "more": TEXTS,
}
STOCK = {"shop": TEXTS, "known_at": MOMENTS, "items": NUMBERS}
MAY_LACK = ("minutes", "more", "items", "customer", "shop")


@st.composite
def tables(draw: st.DrawFn, columns: dict[str, list[tuple[pl.DataType, Cells]]]) -> pl.DataFrame:
    """Some rows, with the types that are declared; of some tables a column is another one, or missing."""
    rows = draw(st.integers(1, ROWS))
    other = draw(st.sampled_from([None, None, *columns]))
    made = []
    for name, kinds in columns.items():
        if name == other and name in MAY_LACK and draw(st.booleans()):
            continue
        dtype, cells = draw(st.sampled_from(kinds)) if name == other else kinds[0]
        values = draw(st.lists(st.sampled_from(cells), min_size=rows, max_size=rows))
        made.append(pl.Series(name, values, dtype=dtype))
    frame = pl.DataFrame(made)
    if "late" in columns and other not in {"asked_at", "known_at"} and draw(st.integers(0, 5)):
        frame = frame.with_columns(known_at=pl.col("asked_at") + timedelta(hours=draw(st.integers(0, 30))))
    return frame


def later(before: pl.DataFrame, rows: pl.DataFrame, kept: Sequence[bool]) -> pl.DataFrame:
    """The data of the time before, with more rows below; some of its rows are gone, or have other values."""
    rest = before.filter(pl.Series([*kept, *[True] * before.height])[: before.height])
    try:
        return pl.concat([rest, rows], how="diagonal_relaxed")
    except pl.exceptions.PolarsError:
        return rows


def write(data: Path, frame: pl.DataFrame, kind: str) -> None:
    """The data of a table in a file of a kind, two files of it in a folder, or a Delta table."""
    if data.is_dir():
        shutil.rmtree(data)
    data.unlink(missing_ok=True)
    if kind == "delta":
        frame.write_delta(data)
        return
    pieces = [(data, frame)]
    if kind.startswith("folder"):
        data.mkdir()
        pieces = [(data / f"{number}", rows) for number, rows in enumerate((frame[: frame.height // 2], frame))]
    for file, rows in pieces:
        if kind.endswith("csv"):
            rows.write_csv(file)
        elif kind.endswith("jsonl"):
            rows.write_ndjson(file)
        else:
            rows.write_parquet(file)


def load(project: Project, lake: Lake, *, number: int, accept: bool) -> tuple[Any, ...]:
    """What a load returns or raises, and what it tells."""
    notes: list[str] = []
    moment = EPOCH + timedelta(days=100 + number)
    with listening(notes.append):
        try:
            done: Any = load_sources(project, lake, now=moment, received_at=moment, accept_changes=accept)
        except MlopsError as error:
            done = (type(error), str(error), error.code, error.where, error.hint)
        except pl.exceptions.PolarsError as error:  # of types that cannot be compared: it is no less with parts
            done = type(error)
    return done, sorted(notes)


def content(lake: Lake) -> dict[str, Any]:
    """Each table of the lake: its version and fingerprint, and the rows as the order of the fingerprint has them."""
    found = {}
    for name in lake.tables():
        rows = lake.read(name)
        found[name] = lake.snapshot(name), rows.sort(rows.columns).to_dicts()
    return found


def in_parts(patch: pytest.MonkeyPatch, cells: int) -> None:
    """All data is read in parts of about so many values."""
    patch.setattr(data_size, "MOST_CELLS", -1)
    patch.setattr(parts, "CELLS_PER_PART", cells)
    patch.setattr(parts, "_HEAD_ROWS", 2)
    patch.setattr(parted_changes, "CELLS_PER_DIVISION", 2 * cells)


KINDS = ("parquet", "csv", "delta", "folder of parquet", "folder of csv", "jsonl")
SETTINGS = st.fixed_dictionaries(
    {
        "share": st.sampled_from(["0.0", "0.4", "1.0", "1.0", "1.0"]),
        "on_change": st.sampled_from(["refuse", "correct", "ignore"]),
        "monotone": st.sampled_from(["true", "false"]),
        "id": st.sampled_from(['id = "order_id"\n', 'id = "order_id"\n', ""]),
    }
)
LOADS = st.lists(
    st.tuples(
        tables(ORDERS), tables(STOCK), st.sampled_from(KINDS), st.booleans(), st.lists(st.booleans(), max_size=6)
    ),
    min_size=2,
    max_size=3,
)


@examples(40)
@given(SETTINGS, LOADS, st.integers(1, 30))
def test_parts_change_nothing(
    write_project: Callable[..., Project], chosen: dict[str, str], loads: list[Any], cells: int
) -> None:
    results = []
    for is_parted in (False, True):
        with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
            root = Path(name)
            project = write_project(
                root,
                ("[source]", f"[contract]\nmax_quarantined_share = {chosen['share']}\n\n[source]"),
                ('id = "order_id"\n', f'{chosen["id"]}on_change = "{chosen["on_change"]}"\n'),
                ("[tables.stock]", f'[tables.stock]\nmonotone = {chosen["monotone"]}\non_change = "correct"'),
                ("data/orders.parquet", "data/orders"),
                ("data/stock.parquet", "data/stock"),
            )
            (root / "data").mkdir()
            if is_parted:
                in_parts(patch, cells)
            lake, seen = open_lake(project), list[Any]()
            orders = stock = None
            for number, (more_orders, more_stock, kind, accept, kept) in enumerate(loads):
                orders = more_orders if orders is None else later(orders, more_orders, kept)
                stock = more_stock if stock is None else later(stock, more_stock, kept)
                write(root / "data" / "orders", orders, kind)
                write(root / "data" / "stock", stock, kind)
                said = load(project, lake, number=number, accept=accept)
                seen.append((repr(said).replace(name, ""), content(lake)))
            results.append(seen)
    for whole, parted in zip(*results, strict=True):
        assert parted == whole


def test_moments_that_the_data_lacks_are_made_up_as_for_all_rows(
    write_project: Callable[..., Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = pl.DataFrame({"customer": list("abcdefg"), "shop": ["x"] * 7, "express": [True] * 7, "late": [False] * 7})
    found = []
    for order in ("arrival", "shuffled"):
        for is_parted in (False, True):
            root = tmp_path / f"{order} {is_parted}"
            (root / "data").mkdir(parents=True)
            project = write_project(
                root,
                ('clock = "data"\n', ""),
                ('id = "order_id"\ntime = "asked_at"\nknown_at = "known_at"\n', f'order = "{order}"\n'),
                ('asked_at = "datetime"\n', ""),
                ("data/orders.parquet", "data/orders"),
                ("data/stock.parquet", "data/stock"),
            )
            write(root / "data" / "orders", orders, "parquet")
            write(root / "data" / "stock", pl.DataFrame({"shop": ["x"], "known_at": DAYS[:1]}), "parquet")
            lake = open_lake(project)
            with monkeypatch.context() as patch:
                if is_parted:
                    in_parts(patch, cells=8)
                said = load(project, lake, number=0, accept=False)
            assert said[0] is False, said
            found.append(content(lake))
    assert found[0] == found[1] != found[2] == found[3]


KILLED = """
import os, sys
from pathlib import Path
from mlops_lab.clock import EPOCH
from mlops_lab.intake import data_size
from mlops_lab.intake.parted_table import PartedTable
from mlops_lab.intake.sources import load_sources
from mlops_lab.lake import parts
from mlops_lab.project import load_project
from mlops_lab.tables.open_lake import open_lake

data_size.MOST_CELLS, parts.CELLS_PER_PART = -1, 9_000
read, passes = PartedTable._typed, []

def read_or_die(self, part):
    if self.table.is_source:
        passes.append(part.place.start)
        if passes.count(0) > 1 and part.place.start > self.height * 0.9:  # rows are being written
            os._exit(9)
    return read(self, part)

PartedTable._typed = read_or_die
project = load_project(Path(sys.argv[1]))
load_sources(project, open_lake(project), now=EPOCH, received_at=EPOCH)
"""


def test_a_load_that_is_killed_leaves_nothing(
    write_project: Callable[..., Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = 20_000
    project = write_project(tmp_path, ("data/orders.parquet", "data/orders"), ("data/stock.parquet", "data/stock"))
    orders = pl.DataFrame(
        {
            "order_id": [f"{number}" for number in range(rows)],
            "asked_at": [DAYS[0]] * rows,
            "shop": ["x"] * rows,
            "express": [True] * rows,
            "known_at": [DAYS[1]] * rows,
            "late": [False] * rows,
        }
    )
    (tmp_path / "data").mkdir()
    write(tmp_path / "data" / "orders", orders, "parquet")
    write(tmp_path / "data" / "stock", pl.DataFrame({"shop": ["x"], "known_at": DAYS[:1]}), "parquet")
    in_parts(monkeypatch, cells=9_000)
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=60)
    assert done.returncode == 9
    lake = open_lake(project)
    assert lake.tables() == []
    assert load(project, lake, number=0, accept=False)[0] is False
    assert lake.read("orders").height == rows
