"""Facts by time: a stretch of predictions gets the same values from what is read for it as from all facts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from served_facts import read_served_facts
from slow import examples

from mlops_lab.features import View, count, largest, last, mean
from mlops_lab.features.offline import view_values
from mlops_lab.lake import Lake
from mlops_lab.monitoring import looked_up_facts
from mlops_lab.monitoring.looked_up_facts import LookedUpFacts
from mlops_lab.tables.declared import OUTCOMES

T = datetime(2013, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MOMENT = pl.Datetime("us", "UTC")
WINDOW = {"mean": mean("minutes"), "orders": count("minutes"), "most": largest("minutes")}
VIEWS = [
    View("window", "orders", by="shop", over="3d", values=WINDOW),
    View("latest", "orders", by="shop", values={"minutes": last("minutes")}),
    View("fresh", "orders", by="shop", values={"fresh": last("minutes")}, ttl="2d"),
    View("stock", "stock", by="shop", values={"items": last("items")}),
    View("stock_window", "stock", by="shop", over="5d", values={"items_5d": mean("items")}),
]
ORDER = {"asked_at": T, "customer": "c", "amount": 1.0, "express": True, "late": True}


@st.composite
def chains(draw):
    """The versions of one fact: when each was known and received, how it arrived, its shop and its value."""
    known = draw(st.integers(0, 40))
    late = draw(st.sampled_from([0, 0, 0, 1, 4, 30]))
    versions = [(known, known + late or None, "sent", draw(st.sampled_from("ab")), draw(st.integers(0, 9)))]
    received = known + late
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        received += draw(st.integers(1, 20))
        kind = draw(st.sampled_from(["correction", "correction", "gone"]))
        moved = max(0, known + draw(st.sampled_from([0, 0, -6, 6])))
        versions.append((moved, received, kind, draw(st.sampled_from("ab")), draw(st.integers(0, 9))))
    return versions


facts = st.lists(chains(), max_size=8)


def moment(day: int | None) -> datetime | None:
    return None if day is None else T + day * DAY


def write(lake: Lake, tiny, orders, outcomes, stock, *, files: int) -> None:
    """The tables, each in so many commits, in the order in which rows were received."""
    rows = [
        {
            **ORDER,
            "order_id": f"o{number}",
            "known_at": moment(known),
            "received_at": moment(received),
            "received_as": kind,
            "shop": shop,
            "minutes": float(value),
        }
        for number, chain in enumerate(orders)
        for known, received, kind, shop, value in chain
    ]
    append(lake, "orders", rows, files, time="known_at", types={"received_at": MOMENT, "received_as": pl.String})
    rows = []
    for number, chain in enumerate(outcomes):
        known = chain[0][0]
        for place, (_, received, _, shop, value) in enumerate(chain):
            known += place  # a correction became known later
            rows.append({**ORDER, "id": f"p{number}", "known_at": moment(known), "shop": shop, "minutes": float(value),
                         "received_at": moment(max(known, received or 0)),
                         "verdict": "corrected" if place else "accepted"})  # fmt: skip
    append(lake, OUTCOMES.name, rows, files, time="known_at", types=OUTCOMES.schema(tiny.project))
    stock_rows = {}
    for chain in stock:  # a row's shop and moment are its key: corrections keep both
        (known, _, _, shop, _) = chain[0]
        for _, received, kind, _, value in [] if (shop, known) in stock_rows else chain:
            row = {"shop": shop, "known_at": moment(known), "received_at": moment(received), "received_as": kind}
            stock_rows.setdefault((shop, known), []).append({**row, "items": float(value)})
    rows = [row for versions in stock_rows.values() for row in versions]
    append(lake, "stock", rows, files, time="known_at", types={"received_at": MOMENT, "received_as": pl.String})


def append(lake: Lake, table: str, rows: list[dict], files: int, *, time: str, types: dict) -> None:
    rows = sorted(rows, key=lambda row: row["received_at"] or row["known_at"])
    size = -(-len(rows) // files) if rows else 1
    for start in range(0, len(rows), size):
        lake.append(table, pl.DataFrame(rows[start : start + size], schema_overrides=types), time=time)


def requests(days: list[int]) -> pl.DataFrame:
    asked = [(shop, T + day * DAY + DAY / 2) for day in sorted(days) for shop in ("a", "b", "new", None)]
    return pl.DataFrame(asked, schema={"shop": pl.String, "at": MOMENT}, orient="row")


def compute(rows: pl.DataFrame, tables) -> pl.DataFrame:
    values = [view_values(view, rows, time="at", facts=tables[view.table]) for view in VIEWS]
    return pl.concat(values, how="horizontal")


@examples(10)
@given(
    orders=facts,
    outcomes=facts,
    stock=facts,
    files=st.integers(1, 4),
    stretches=st.lists(st.integers(1, 30), min_size=1, max_size=6),
)
def test_stretches_and_samples_have_the_values_of_all_facts(tiny, orders, outcomes, stock, files, stretches):
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(looked_up_facts, "FACTS_AT_ONCE", 3)
        lake = Lake(Path(folder))
        write(lake, tiny, orders, outcomes, stock, files=files)
        whole = read_served_facts(tiny.project, lake) if lake.exists("orders") else None
        carried = LookedUpFacts(tiny.project, lake, VIEWS)
        day = 0
        for length in stretches:
            rows = requests([day, day + length // 2, day + length])
            day += length + 1
            sample = LookedUpFacts(tiny.project, lake, VIEWS, requests=rows)
            found = [facts.between(rows["at"].min(), rows["at"].max()) for facts in (carried, sample)]
            expected = compute(rows, whole or found[0])
            for tables in found:
                assert compute(rows, tables).equals(expected)


@pytest.fixture
def lake(tiny, tmp_path) -> Lake:
    lake = Lake(tmp_path)
    lake.append("orders", tiny.lake.read("orders"), time="known_at")
    for rows in tiny.lake.read("stock").sort("known_at")[:30].iter_slices(20):
        lake.append("stock", rows, time="known_at")
    return lake


def look_up(tiny, lake: Lake):
    facts = LookedUpFacts(tiny.project, lake, tiny.pipeline.features.views)
    return facts.between(tiny.now, tiny.now), facts.damaged


def test_a_damaged_file_is_left_out(tiny, lake):
    file = next(file for file in lake.table_path("stock").glob("*.parquet") if pl.read_parquet(file).height == 20)
    file.unlink()
    facts, damaged = look_up(tiny, lake)
    assert facts["stock"].height == 10
    assert [item.file for item in damaged] == [file.name]
    assert facts["orders"].height == tiny.lake.read("orders").height, "then, all that can be read is"


def test_a_table_or_a_column_that_is_gone_has_no_values(tiny, tmp_path):
    lake = Lake(tmp_path / "other")
    lake.append("orders", tiny.lake.read("orders").drop("minutes"), time="known_at")
    facts, damaged = look_up(tiny, lake)
    assert facts["stock"].is_empty()
    assert {"_fact_id", "_known_at", "_seen_at", "shop", "items"} <= {*facts["stock"].columns}
    assert 0 < facts["orders"].height == facts["orders"]["minutes"].null_count()
    assert damaged == []
