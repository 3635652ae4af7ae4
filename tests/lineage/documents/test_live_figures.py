from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from mlops_lab.lineage.documents.live_figures import LiveFigure, summarise_figures
from mlops_lab.tables.declared import MEASUREMENTS

FIRST = datetime(2024, 3, 1, tzinfo=UTC)


def measured(*rows: tuple[int, str, str, float]) -> pl.DataFrame:
    """Rows of `measurements`: the day, the monitor, the name and the value."""
    columns: list[dict[str, Any]] = [
        {"at": FIRST + timedelta(days=day), "monitor": monitor, "name": name, "value": value, "role": "champion"}
        for day, monitor, name, value in rows
    ]
    frame = pl.DataFrame(columns, schema_overrides={"at": pl.Datetime("us", "UTC")})
    missing = [
        pl.lit(None, dtype).alias(name) for name, dtype in MEASUREMENTS.fixed_schema.items() if name not in frame
    ]
    return frame.with_columns(missing)


def test_days_weigh_by_their_outcomes() -> None:
    rows = measured(
        *((0, "volume", "outcomes", 100.0), (0, "quality", "log_loss", 0.5)),
        *((1, "volume", "outcomes", 300.0), (1, "quality", "log_loss", 0.1)),
        *((2, "volume", "outcomes", 0.0), (2, "quality", "log_loss", 9.0)),
    )
    assert summarise_figures(rows) == [LiveFigure("quality", "log_loss", pytest.approx(0.2), 0.1, 0.5, 2, 400)]


def test_squares_of_rmse_add_up() -> None:
    rows = measured(
        *((0, "volume", "outcomes", 1.0), (0, "quality", "rmse", 1.0)),
        *((1, "volume", "outcomes", 1.0), (1, "quality", "rmse", 7.0)),
    )
    assert [figure.value for figure in summarise_figures(rows)] == [5.0]


def test_days_of_a_slice_count_alike() -> None:
    rows = measured(
        *((0, "volume", "outcomes", 1.0), (0, "slice_skill", "depot=a", 0.0)),
        *((1, "volume", "outcomes", 9.0), (1, "slice_skill", "depot=a", 1.0)),
        (1, "drift", "weight", 3.0),
    )
    (figure,) = summarise_figures(rows)
    assert (figure.name, figure.value, figure.days) == ("depot=a", 0.5, 2)


def test_nothing_measured_gives_nothing() -> None:
    assert summarise_figures(measured((0, "volume", "predictions", 3.0))) == []
