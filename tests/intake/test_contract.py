"""The contract against the data: what breaks it, and what the data suggests."""

from datetime import timedelta

import polars as pl
import pytest

from mlops_lab.clock import EPOCH
from mlops_lab.errors import NotFound
from mlops_lab.intake.contract import check_table, infer_table, tables_of
from mlops_lab.intake.sources import load_sources

LIMITS = (
    'key = ["shop"]\nknown_at = "known_at"\n',
    'key = ["shop"]\nknown_at = "known_at"\nmin_rows_per_day = 2\nmax_rows_per_day = 4\nfresh_within = "6h"\n',
)


def stock_of(days: list[int], *, start) -> pl.DataFrame:
    """So many rows on each day, an hour apart."""
    moments = [start + timedelta(days=day, hours=row) for day, count in enumerate(days) for row in range(count)]
    return pl.DataFrame(
        {"shop": ["a"] * len(moments), "known_at": moments, "items": [1.0] * len(moments)},
        schema_overrides={"known_at": pl.Datetime("us", "UTC")},
    )


def test_tables_are_those_of_the_project(small):
    assert tables_of(small.project, None) == ["orders", "stock"]
    assert tables_of(small.project, "stock") == ["stock"]
    with pytest.raises(NotFound, match="there is no table"):
        tables_of(small.project, "gone")


def test_data_that_keeps_the_contract_has_no_breach(small):
    now = small.orders["known_at"].max()
    assert check_table(small.project, "orders", now=now) == []
    load_sources(small.project, small.lake, now=EPOCH, received_at=EPOCH)
    assert check_table(small.project, "orders", now=now) == []


def test_a_breach_names_its_table_rule_and_column(small):
    small.write(orders=small.orders.with_columns(shop=pl.lit(None, pl.String)))
    breaches = check_table(small.project, "orders", now=EPOCH)
    assert [(breach.table, breach.column, breach.rows) for breach in breaches] == [("orders", "shop", 10)]


@pytest.mark.parametrize(
    ("days", "rules"),
    [
        ([3, 3, 3, 3], []),
        ([3, 1, 3, 3], ["min_rows_per_day"]),
        ([3, 0, 3, 3], ["min_rows_per_day"]),
        ([3, 5, 1, 3], ["min_rows_per_day", "max_rows_per_day"]),
        ([9, 3, 3, 1], []),  # the first and the last day may be incomplete
        ([9, 1], []),
    ],
)
def test_rows_a_day_are_counted_in_the_zone_of_the_project(make_small, days: list[int], rules: list[str]):
    small = make_small(LIMITS)
    stock = stock_of(days, start=EPOCH.replace(year=2013, month=6, hour=4))  # midnight in New York
    small.write(stock=stock)
    breaches = check_table(small.project, "stock", now=stock["known_at"].max())
    assert [breach.rule for breach in breaches] == rules


@pytest.mark.parametrize(("hours", "fresh"), [(6, True), (7, False)])
def test_the_newest_row_must_not_be_too_old(make_small, hours: int, fresh: bool):
    small = make_small(LIMITS)
    stock = stock_of([3, 3], start=EPOCH.replace(year=2013, month=6, hour=4))
    small.write(stock=stock)
    breaches = check_table(small.project, "stock", now=stock["known_at"].max() + timedelta(hours=hours))
    assert [breach.rule for breach in breaches] == ([] if fresh else ["fresh_within"])


def test_the_data_suggests_its_fields(small):
    kinds = {field.name: field.kind for field in infer_table(small.project, "stock")}
    assert kinds == {"shop": "string", "known_at": "datetime", "items": "float"}
    small.write(stock=small.stock.with_columns(pl.col("known_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ")))
    assert {field.name: field.kind for field in infer_table(small.project, "stock")} == kinds
