"""A history that is read in parts gives the same rows and the same inputs, cell by cell, as one that is read whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as replace_struct
from polars.testing import assert_frame_equal
from slow import examples

from mlops_lab.errors import InvalidInput
from mlops_lab.features import Features, View, count, largest, last, mean, smallest, total
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.arrival import Arrival
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.facts import AS_OF
from mlops_lab.tables.verdict import Verdict
from mlops_lab.training import fact_parts
from mlops_lab.training.fact_parts import FactParts, is_long
from mlops_lab.training.history import History, PartedHistory, WholeHistory, requests_of
from mlops_lab.training.row_sample import sample_rows
from mlops_lab.training.training_set import build_training_set

START = datetime(2013, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MOMENT = pl.Datetime("us", "UTC")
UNTIL = START + 95 * MINUTE
SHOPS = """
[tables.shops]
data = "data/shops.parquet"
key = ["shop"]

[tables.shops.fields]
shop = "string"
size = "float?"

[tables.stock]"""
VIEWS = [
    View("shop", "orders", by="shop", over="20m", values={"n": count("late"), "sum": total("minutes")}),
    View("long", "orders", by="shop", over="2h", values={"mean": mean("minutes"), "most": largest("minutes")}),
    View("customer", "orders", by="customer", values={"last_minutes": last("minutes"), "last_at": last("known_at")}),
    View("both", "orders", by=["customer", "shop"], ttl="30m", values={"fresh": last("late")}),
    View("stock", "stock", by="shop", values={"items": last("items")}, missing={"items": -1.0}),
    View("stock_10m", "stock", by="shop", over="10m", values={"least": smallest("items")}),
    View("shops", "shops", by="shop", values={"size": last("size")}),
]
STRICT = View("strict", "stock", by="shop", over="40m", values={"stock_n": mean("items")}, missing="refuse")

minutes = st.integers(0, 100)
orders = st.lists(
    st.tuples(
        minutes,  # when it was requested
        st.sampled_from([0, 0, 1, 30]),  # how much later its outcome became known
        st.sampled_from(["a", "b", None]),
        st.sampled_from("xyz"),
        st.none() | st.sampled_from([0.1, 5.0, -3.25]),
        st.integers(0, 3),  # in which file it is
        st.none() | st.tuples(st.sampled_from(["correction", "gone", "outcome"]), minutes, st.booleans()),
    ),
    min_size=1,
    max_size=25,
)
stock = st.lists(
    st.tuples(minutes, st.sampled_from("xyz"), st.integers(0, 9), st.integers(0, 2), st.booleans()),
    max_size=15,
    unique_by=lambda row: row[:2],
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, write_project: Callable[..., Project]) -> Project:
    return write_project(tmp_path_factory.mktemp("parts"), ("\n[tables.stock]", SHOPS))


def fill(lake: Lake, project: Project, drawn: list[tuple[Any, ...]], stocked: list[tuple[Any, ...]]) -> None:
    """The drawn orders, with corrections and outcomes, and the stock, in several files; and one size of a shop."""
    files: dict[int, list[dict[str, Any]]] = {number: [] for number in range(5)}
    outcomes = []
    for number, (asked, wait, customer, shop, value, file, later) in enumerate(drawn):
        row = {"order_id": f"o{number % 20}{number:02}", "asked_at": START + asked * MINUTE, "customer": customer}
        row |= {"shop": shop, "amount": 1.0, "express": False, "known_at": START + (asked + wait) * MINUTE}
        row |= {"late": wait > 0, "minutes": value, "received_at": None, "received_as": None}
        kind, after, is_moved = later or (None, 0, False)
        if kind == "outcome":
            answer = {**row, "id": f"p{number}", "verdict": Verdict.ACCEPTED, "predicted_at": row["asked_at"] - MINUTE}
            outcomes.append(answer | {"received_at": row["known_at"]})
            if is_moved:
                more = {"known_at": row["known_at"] + after * MINUTE, "minutes": 7.0, "verdict": Verdict.CORRECTED}
                outcomes.append({**answer, **more, "received_at": row["known_at"] + after * MINUTE})
            continue
        files[file].append(row)
        if kind is not None:
            moved = {"known_at": row["known_at"] + after * MINUTE, "customer": "b"} if is_moved else {}
            received = {"received_at": row["known_at"] + after * MINUTE, "received_as": Arrival(kind)}
            files[4].append({**row, "minutes": 11.5, **moved, **received})
    schema: dict[str, pl.DataType] = {
        "order_id": pl.String(),
        "customer": pl.String(),
        "minutes": pl.Float64(),
        "received_at": MOMENT,
        "received_as": pl.String(),
    }
    for rows in files.values():
        if rows:
            lake.append("orders", pl.DataFrame(rows, schema_overrides=schema), time="known_at")
    if outcomes:
        names = OUTCOMES.schema(project)
        rows = [{name: row.get(name) for name in names} for row in outcomes]
        OUTCOMES.append(lake, pl.DataFrame(rows, schema=names))
    for file in range(3):
        kept = [row for row in stocked if row[3] == file]
        if kept or not file:
            cells = [(shop, START + at * MINUTE, float(items)) for at, shop, items, _, _ in kept]
            columns: dict[str, pl.DataType] = {"shop": pl.String(), "known_at": MOMENT, "items": pl.Float64()}
            lake.append("stock", pl.DataFrame(cells, schema=columns, orient="row"), time="known_at")
    lake.append("shops", pl.DataFrame({"shop": ["x", "y"], "size": [1.0, None]}))


def read(project: Project, past: History, *, max_rows: int | None) -> tuple[list[Any], pl.DataFrame, pl.DataFrame]:
    """The moments, and the rows and inputs of a sample of the rows."""
    moments = past.moments()
    sample = sample_rows(moments, past.hashes, since=None, before=START + 80 * MINUTE, max_rows=max_rows)
    rows = past.rows(None if sample is None else sample.kept)
    return moments.to_list(), rows, past.inputs(requests_of(project, rows))


@examples(60)
@given(orders, stock, st.sampled_from([1, 3, 8]), st.sampled_from([None, 3, 100]), st.booleans())
def test_parts_change_no_cell(
    project: Project,
    drawn: list[tuple[Any, ...]],
    stocked: list[tuple[Any, ...]],
    facts_at_once: int,
    max_rows: int | None,
    is_strict: bool,
) -> None:
    names = [name for view in VIEWS for name in view.values]
    features = Features(
        ["amount", *names, "double"], [*VIEWS, *([STRICT] if is_strict else [])], {"double": pl.col("sum") * 2}
    )
    settings = project.settings
    project = replace(
        project,
        settings=replace_struct(settings, training=replace_struct(settings.training, max_rows=max_rows)),
    )
    with TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        fill(lake, project, drawn, stocked)
        if not lake.exists("orders"):
            return
        expected = read(project, WholeHistory(project, lake, features, until=UNTIL), max_rows=max_rows)
        parts = PartedHistory(project, lake, features, until=UNTIL, facts_at_once=facts_at_once)
        found = read(project, parts, max_rows=max_rows)
    assert found[0] == expected[0]
    for one, other in zip(found[1:], expected[1:], strict=True):
        assert_frame_equal(one, other, check_exact=True)
    assert AS_OF in found[1].columns


def test_a_long_history_makes_the_same_training_set(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(tmp_path)
    for table in ("orders", "stock"):
        for part in tiny.lake.read(table).iter_slices(400):
            lake.append(table, part, time="known_at")
    assert not is_long(tiny.project, lake)
    monkeypatch.setattr(fact_parts, "FACTS_AT_ONCE", 500)
    assert is_long(tiny.project, lake)
    assert len(list(FactParts(tiny.project, lake).read("orders"))) > 2
    built = build_training_set(tiny.project, tiny.pipeline.features, lake=lake, until=tiny.now)
    assert built.fingerprint == tiny.training.fingerprint
    assert built.inputs.equals(tiny.training.inputs)
    assert built.holdout.equals(tiny.training.holdout)
    assert built.holdout_inputs.equals(tiny.training.holdout_inputs)
    prints = [[snapshot.fingerprint for snapshot in data.snapshots] for data in (built, tiny.training)]
    assert prints[0] == prints[1]


@pytest.mark.parametrize("kind", [WholeHistory, PartedHistory])
@pytest.mark.parametrize("table", ["orders", "stock"])
def test_rows_that_break_the_contract_are_an_error_with_their_number(
    project: Project, tmp_path: Path, kind: Any, table: str
) -> None:
    lake = Lake(tmp_path)
    fill(lake, project, [(minute, 0, "a", "x", 1.0, minute % 3, None) for minute in range(9)], [(1, "x", 1, 0, True)])
    for minute in (200, 300):
        row = lake.read(table).head(1).with_columns(known_at=START + minute * MINUTE, shop=pl.lit(None, pl.String))
        lake.append(table, row, time="known_at")
    with pytest.raises(InvalidInput, match=f'table "{table}", column "shop": 2 rows break the rule "never null"'):
        kind(
            project, lake, Features(["amount"]), until=UNTIL, **({"facts_at_once": 2} if kind is PartedHistory else {})
        ).moments()
