"""When rows of a file would have arrived."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.tables.arrival import MIN_MEASURED, Arrival, file_delay
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.facts import facts_of

T = datetime(2013, 3, 1, tzinfo=UTC)
H = timedelta(hours=1)


def stock(rows: int, *, delay: timedelta, received_as: str | None) -> pl.DataFrame:
    known = [T + number * H for number in range(rows)]
    return pl.DataFrame(
        {
            "shop": ["a"] * rows,
            "known_at": known,
            "items": [1.0] * rows,
            "received_at": [moment + delay for moment in known],
            "received_as": [received_as] * rows,
        },
        schema_overrides={
            "known_at": pl.Datetime("us", "UTC"),
            "received_at": pl.Datetime("us", "UTC"),
            "received_as": pl.String,
        },
    )


def test_without_rows_that_were_sent_a_file_counts_as_received_at_once(tiny, tmp_path: Path):
    lake = Lake(tmp_path)
    lake.append("stock", stock(MIN_MEASURED, delay=H, received_as=Arrival.FILE))
    assert file_delay(tiny.project, lake, "stock") == timedelta(0)
    assert file_delay(tiny.project, lake, "orders") == timedelta(0)


def test_the_delay_is_that_of_the_rows_that_were_sent(tiny, tmp_path: Path):
    lake = Lake(tmp_path)
    lake.append("stock", stock(MIN_MEASURED - 1, delay=2 * H, received_as=Arrival.SENT))
    assert file_delay(tiny.project, lake, "stock") == timedelta(0)  # too few
    lake.append("stock", stock(5, delay=2 * H, received_as=Arrival.SENT))
    assert file_delay(tiny.project, lake, "stock") == 2 * H
    assert file_delay(tiny.project, lake, "stock", until=T) == timedelta(0), "not by hindsight"


def test_the_delay_of_outcomes_is_that_of_those_that_were_submitted(tiny, tmp_path: Path):
    lake = Lake(tmp_path)
    rows = [
        {"id": str(number), "verdict": "accepted", "known_at": T, "received_at": T + 3 * H if number % 2 else None}
        for number in range(2 * MIN_MEASURED + 1)
    ]
    OUTCOMES.append(lake, pl.DataFrame(rows, schema=OUTCOMES.schema(tiny.project)))
    assert file_delay(tiny.project, lake, "orders") == timedelta(0)
    rows = [{**row, "received_at": T + 3 * H} for row in rows]
    OUTCOMES.append(lake, pl.DataFrame(rows, schema=OUTCOMES.schema(tiny.project)))
    assert file_delay(tiny.project, lake, "orders") == 3 * H


def test_a_declared_delay_counts(write_project, tmp_path: Path):
    project = write_project(tmp_path, ("[tables.stock]\n", '[tables.stock]\narrives_after = "90m"\n'))
    assert file_delay(project, Lake(tmp_path / "lake"), "stock") == timedelta(minutes=90)


def test_training_counts_rows_of_a_file_as_received_when_they_would_have_been(tiny):
    rows = pl.concat(
        [
            stock(1, delay=5 * H, received_as=None).with_columns(received_at=pl.lit(None, pl.Datetime("us", "UTC"))),
            stock(1, delay=5 * H, received_as=Arrival.FILE),
            stock(1, delay=5 * H, received_as=Arrival.SENT),
            stock(1, delay=5 * H, received_as=None),  # before it was written how a row arrived
        ]
    )
    trained = facts_of(tiny.project, "stock", rows, delay=H)["_seen_at"].to_list()
    served = facts_of(tiny.project, "stock", rows, as_served=True)["_seen_at"].to_list()
    assert trained == [T + H, T + H, T + 5 * H, T + 5 * H]
    assert served == [T, T + 5 * H, T + 5 * H, T + 5 * H]
