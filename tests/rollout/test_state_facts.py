"""Facts of a state: those of the state before and what was added since are those of the whole lake."""

import re
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from slow import examples

from mlops_lab.lake import Lake
from mlops_lab.rollout import state_facts
from mlops_lab.rollout.state_facts import FACTS_FILE, StateFacts
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.newest import trusted_newest

DAY = timedelta(days=1)
MOMENT = pl.Datetime("us", "UTC")


@pytest.fixture
def views(tiny):
    return tiny.pipeline.features.views


def write(tiny, lake: Lake, folder: Path, views, before: Path | None) -> dict[str, pl.DataFrame]:
    folder.mkdir()
    StateFacts(tiny.project, lake, newest=trusted_newest(tiny.project, lake), before=before).write(folder, views)
    return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}


def weighted(facts: pl.DataFrame) -> pl.DataFrame:
    """The facts with their weights, also where none was written: it is 1."""
    weight = pl.col("_weight").fill_null(1) if "_weight" in facts.columns else pl.lit(1, pl.Int8)
    return facts.with_columns(weight.alias("_weight"))


def outcomes(tiny, names: list[str], *, day: int, verdict: str = "accepted", minutes: float = 1.0) -> pl.DataFrame:
    row = {"known_at": tiny.now + day * DAY, "predicted_at": tiny.now, "asked_at": tiny.now, "verdict": verdict}
    row |= {"customer": "c1", "shop": "a", "express": True, "late": True, "minutes": minutes}
    return pl.DataFrame([{**row, "id": name} for name in names], schema=OUTCOMES.schema(tiny.project))


def stock(tiny, *, day: int, arrival: str = "sent", items: float = 5.0, known: float | None = None) -> pl.DataFrame:
    moment = tiny.now + (day if known is None else known) * DAY
    row = {"shop": "a", "known_at": moment, "items": items, "received_at": tiny.now + day * DAY, "received_as": arrival}
    return pl.DataFrame([row], schema_overrides={"known_at": MOMENT, "received_at": MOMENT})


def first_lake(tiny, folder: Path) -> Lake:
    lake = Lake(folder)
    lake.append("orders", tiny.lake.read("orders"), time="known_at")
    for rows in tiny.lake.read("stock").sort("known_at").iter_slices(200):
        lake.append("stock", rows, time="known_at")
    return lake


steps = st.lists(
    st.sampled_from(["outcomes", "stock", "late stock", "corrected stock", "corrected outcome"]), max_size=4
)


@examples(12)
@given(batches=st.lists(steps, min_size=1, max_size=3))
def test_a_state_made_from_the_one_before_is_the_state_made_from_all(tiny, tmp_path_factory, batches):
    folder = tmp_path_factory.mktemp("states")
    views, lake = tiny.pipeline.features.views, first_lake(tiny, folder / "lake")
    before, day = None, 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state_facts, "_FACTS_AT_ONCE", 150)
        for number, batch in enumerate([[], *batches]):
            for step in batch:
                day += 3
                match step:
                    case "outcomes":
                        OUTCOMES.append(lake, outcomes(tiny, [f"{day}a", f"{day}b"], day=day))
                    case "corrected outcome":
                        OUTCOMES.append(lake, outcomes(tiny, [f"c{day}"], day=day))
                        corrected = outcomes(tiny, [f"c{day}"], day=day + 1, verdict="corrected", minutes=9.0)
                        OUTCOMES.append(lake, corrected)
                    case "stock":
                        lake.append("stock", stock(tiny, day=day), time="known_at")
                    case "late stock":
                        lake.append("stock", stock(tiny, day=day, known=day - 40.01), time="known_at")
                    case _:
                        lake.append("stock", stock(tiny, day=day), time="known_at")
                        lake.append(
                            "stock",
                            stock(tiny, day=day + 1, arrival="correction", items=7.0, known=day),
                            time="known_at",
                        )
            found = write(tiny, lake, folder / f"state {number}", views, before)
            whole = write(tiny, Lake(lake.path), folder / f"whole {number}", views, None)
            for table, facts in whole.items():
                assert_frame_equal(weighted(found[table]), weighted(facts), check_column_order=False)
            before = folder / f"state {number}"


def test_only_what_was_added_is_read(tiny, tmp_path, views, monkeypatch):
    lake = first_lake(tiny, tmp_path / "lake")
    write(tiny, lake, tmp_path / "first", views, None)
    lake.append("stock", stock(tiny, day=1), time="known_at")
    monkeypatch.setattr(StateFacts, "_all", None)
    found = write(tiny, lake, tmp_path / "second", views, tmp_path / "first")
    assert found["stock"].filter(pl.col("_known_at") == tiny.now + DAY).height == 1


@pytest.mark.parametrize("damage", ["no list", "no facts", "other views", "an older format"])
def test_all_is_read_where_the_state_before_does_not_do(tiny, tmp_path, views, damage):
    lake = first_lake(tiny, tmp_path / "lake")
    write(tiny, lake, tmp_path / "first", views[1:] if damage == "other views" else views, None)
    listed = tmp_path / "first" / FACTS_FILE
    match damage:
        case "no list":
            listed.unlink()
        case "no facts":
            (tmp_path / "first" / "stock.parquet").write_bytes(b"")
        case "an older format":
            listed.write_text(re.sub(r'"format":\d+', '"format":1', listed.read_text()))
    found = write(tiny, lake, tmp_path / "second", views, tmp_path / "first")
    whole = write(tiny, lake, tmp_path / "whole", views, None)
    assert found.keys() == whole.keys()
    for table, facts in whole.items():
        assert_frame_equal(found[table], facts)


def test_all_is_read_where_the_clock_was_set_back(tiny, tmp_path, views):
    lake = first_lake(tiny, tmp_path / "lake")
    newest = trusted_newest(tiny.project, lake)
    for folder in ("ahead", "after", "whole"):
        (tmp_path / folder).mkdir()
    StateFacts(tiny.project, lake, newest=newest, before=None).write(tmp_path / "ahead", views)
    StateFacts(tiny.project, lake, newest=newest - 5 * DAY, before=tmp_path / "ahead").write(tmp_path / "after", views)
    StateFacts(tiny.project, lake, newest=newest - 5 * DAY, before=None).write(tmp_path / "whole", views)
    after, whole = (pl.read_parquet(tmp_path / folder / "orders.parquet") for folder in ("after", "whole"))
    assert_frame_equal(after, whole)
    assert after.height > pl.read_parquet(tmp_path / "ahead" / "orders.parquet").height
