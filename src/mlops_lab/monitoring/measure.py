"""Measurements of a window: what was asked, how well it was answered, how its data differs from training."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from mlops_lab.monitoring.drift import Profile, psi
from mlops_lab.monitoring.metrics import log_loss, roc_auc

TABLE = "measurements"
SCHEMA: dict[str, Any] = {
    "at": pl.Datetime("us", "UTC"),
    "window_hours": pl.Float64,
    "monitor": pl.String,
    "name": pl.String,
    "version": pl.Int64,
    "value": pl.Float64,
}
_Row = tuple[str, str, float | None]


def measure(
    *,
    at: datetime,
    window_hours: float,
    version: int,
    predictions: pl.DataFrame,
    ended: pl.DataFrame,
    profiles: Mapping[str, Profile],
) -> pl.DataFrame:
    """The measurements of one window, one row each (schema `SCHEMA`).

    `predictions` holds what was answered in the window; `ended` (`truth` 0/1, `output`) the answers whose outcome
    became known in it; `profiles` what the champion was trained on.
    """
    rows = [*_volume(predictions, ended), *_quality(ended), *_data(predictions, profiles)]
    return pl.DataFrame(
        [(at, window_hours, monitor, name, version, value) for monitor, name, value in rows if value is not None],
        schema=SCHEMA,
        orient="row",
    )


def _volume(predictions: pl.DataFrame, ended: pl.DataFrame) -> list[_Row]:
    return [
        ("volume", "predictions", float(predictions.height)),
        ("volume", "outcomes", float(ended.height)),
        ("volume", "canary", float((predictions["role"] == "canary").sum()) if predictions.height else 0.0),
    ]


def _quality(ended: pl.DataFrame) -> list[_Row]:
    if ended.is_empty():
        return []
    truth, output = ended["truth"].to_numpy(), ended["output"].to_numpy()
    return [
        ("quality", "log_loss", log_loss(truth, output)),
        ("quality", "auc", roc_auc(truth, output)),
        ("quality", "observed_rate", float(truth.mean())),
        ("quality", "predicted_rate", float(output.mean())),
    ]


def _data(predictions: pl.DataFrame, profiles: Mapping[str, Profile]) -> list[_Row]:
    if predictions.is_empty():
        return []
    rows: list[_Row] = []
    for name, profile in profiles.items():
        if name in predictions.columns:
            column = predictions[name]
            rows.append(("drift", name, psi(profile, column)))
            rows.append(("nulls", name, column.null_count() / len(column)))
    return rows


def measure_parity(*, at: datetime, window_hours: float, version: int, cells: int, differing: int) -> pl.DataFrame:
    """How many feature values were compared with their definition, and how many differ (schema `SCHEMA`)."""
    rows = [("compared", float(cells)), ("differing", float(differing))]
    return pl.DataFrame(
        [(at, window_hours, "parity", name, version, value) for name, value in rows], schema=SCHEMA, orient="row"
    )


def differing_cells(measurements: pl.DataFrame) -> int:
    """How many feature values of several windows were not those of the definition."""
    if measurements.is_empty():
        return 0
    return int(measurements.filter(pl.col("monitor") == "parity", pl.col("name") == "differing")["value"].sum())


def quality_of(measurements: pl.DataFrame, name: str) -> float | None:
    """The value of one quality measurement, or None where it was not made."""
    found = measurements.filter(pl.col("monitor") == "quality", pl.col("name") == name)["value"]
    return float(found[-1]) if len(found) else None


def calibration_gap(measurements: pl.DataFrame) -> tuple[float, float]:
    """(gap, outcomes): observed minus predicted rate over several windows, weighted by their outcomes."""
    wide = measurements.filter(pl.col("monitor").is_in(["quality", "volume"])).pivot(
        on="name", index="at", values="value", aggregate_function="first"
    )
    needed = ("outcomes", "observed_rate", "predicted_rate")
    if any(name not in wide.columns for name in needed):
        return 0.0, 0.0
    wide = wide.drop_nulls(needed)
    outcomes = float(wide["outcomes"].sum())
    if not outcomes:
        return 0.0, 0.0
    gap = float(((wide["observed_rate"] - wide["predicted_rate"]) * wide["outcomes"]).sum()) / outcomes
    return gap, outcomes
