"""Data is read as the project declares it: text stays text, columns are renamed and left out."""

from pathlib import Path

import polars as pl

from mlops_lab.intake.read import read_requests, read_rows, read_table
from mlops_lab.tables.fields import submitted_fields


def test_a_table_is_read_under_the_names_of_its_fields(make_small):
    small = make_small(
        ('data = "data/stock.parquet"', 'data = "data/stock.parquet"\nrename = { store = "shop" }\nskip = ["note"]')
    )
    small.write(stock=small.stock.rename({"shop": "store"}).with_columns(note=pl.lit("x")))
    assert read_table(small.project, "stock").equals(small.stock)


def test_copies_of_addresses_that_are_not_declared_any_more_are_deleted(small):
    folder = small.project.downloads_path
    folder.mkdir(parents=True)
    (folder / "0123456789abcdef.csv").touch()
    read_table(small.project, "stock")
    assert list(folder.iterdir()) == []


def test_text_that_looks_like_a_number_stays_text(small, tmp_path: Path):
    file = tmp_path / "outcomes.csv"
    file.write_text("id,known_at,late\n007,2013-03-01T05:00:00Z,true\n")
    rows = read_rows(small.project, "orders", file, submitted_fields(small.project))
    assert rows["id"].to_list() == ["007"]


def test_requests_are_read_with_their_ids_and_nothing_else(small, tmp_path: Path):
    file = tmp_path / "requests.parquet"
    small.orders.with_columns(id=pl.lit("x"), other=pl.lit(1)).write_parquet(file)
    frames = [batch.frame for batch in read_requests(small.project, file)]
    assert sum(frame.height for frame in frames) == 10
    assert set(frames[0].columns) == {"id", "order_id", "asked_at", "customer", "shop", "amount", "express"}
