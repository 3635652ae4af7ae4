"""Data files come into the lake: all of them or nothing, each row once."""

from datetime import timedelta

import polars as pl
import pytest

from mlops_lab.clock import EPOCH
from mlops_lab.errors import InvalidInput, Refused
from mlops_lab.intake.quarantine import waiting
from mlops_lab.intake.sources import load_sources


def load(small, *, received_at=EPOCH) -> bool:
    return load_sources(small.project, small.lake, now=EPOCH, received_at=received_at)


def test_a_first_load_brings_all_rows_and_no_time_of_arrival(small):
    assert load(small) is False
    assert small.lake.read("orders").height == small.lake.read("stock").height == 10
    assert "received_at" not in small.lake.read("orders").columns


def test_a_second_load_of_the_same_files_writes_nothing(small):
    load(small)
    versions = [small.lake.version(table) for table in small.lake.tables()]
    assert load(small) is False
    assert [small.lake.version(table) for table in small.lake.tables()] == versions


def test_rows_that_were_added_later_are_marked_with_their_arrival(small):
    small.write(orders=small.orders.head(7))
    load(small)
    small.write()
    later = EPOCH + timedelta(days=1)
    assert load(small, received_at=later) is True
    rows = small.lake.read("orders").sort("order_id")
    assert rows["order_id"].to_list() == small.orders["order_id"].to_list()
    assert rows["received_at"].to_list() == [None] * 7 + [later] * 3


def test_a_row_that_the_lake_holds_is_not_changed(small):
    load(small)
    small.write(orders=small.orders.with_columns(late=~pl.col("late")))
    with pytest.raises(Refused):
        load(small)
    assert small.lake.read("orders").sort("order_id")["late"].to_list() == small.orders["late"].to_list()


def test_nothing_is_loaded_where_one_table_breaks_its_contract(small):
    small.write(stock=small.stock.with_columns(shop=pl.lit(None, pl.String)))
    with pytest.raises(InvalidInput):
        load(small)
    assert small.lake.tables() == []


def test_an_outcome_that_was_known_before_its_request_is_refused(small):
    early = small.orders.with_columns(known_at=pl.col("asked_at") - pl.duration(seconds=1))
    small.write(orders=early)
    with pytest.raises(InvalidInput) as caught:
        load(small)
    assert caught.value.code == "outcome_too_early"
    assert small.lake.tables() == []


def test_a_few_broken_rows_are_set_aside_and_the_others_loaded(make_small):
    small = make_small(("[gates]", "[contract]\nmax_quarantined_share = 0.2\n\n[gates]"))
    broken = small.orders.with_columns(
        shop=pl.when(pl.col("order_id") == small.orders["order_id"][3]).then(None).otherwise("shop")
    )
    small.write(orders=broken)
    load(small)
    assert small.lake.read("orders").height == 9
    assert waiting(small.lake)["table"].to_list() == ["orders"]


def test_data_without_ids_may_only_be_appended_to(make_small):
    small = make_small(('id = "order_id"\n', ""), ("data/orders.parquet", "data/rows.csv"))
    rows = small.orders.drop("order_id")

    def load_rows(frame: pl.DataFrame) -> list[bool]:
        frame.write_csv(small.project.root / "data" / "rows.csv")
        load(small)
        return small.lake.read("orders").sort(pl.col("row_id").cast(pl.Int64))["late"].to_list()

    assert load_rows(rows.head(5)) == load_rows(rows.head(5)) == rows["late"].to_list()[:5]
    assert load_rows(rows.head(8)) == rows["late"].to_list()[:8]
    for changed in (rows.head(8).reverse(), rows[1:9], rows.head(3)):
        with pytest.raises(InvalidInput, match="without an id a row is known by its position") as caught:
            load_rows(changed)
        assert caught.value.code == "data_changed"
