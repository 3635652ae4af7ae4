"""Days of measurements, and what triggers see at the end of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from mlops_lab.clock import day_start
from mlops_lab.loop.trainings import ChampionRecord
from mlops_lab.loop.triggers.base import TriggerInput
from mlops_lab.monitoring.measure import measure
from mlops_lab.monitoring.window import Window
from mlops_lab.project import Project
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tasks.binary import Binary

NEW_YORK = "America/New_York"
COOLDOWN, WINDOW, EVERY, LIMIT = 14, 7, 28, 0.1  # as mlops.toml has them by default


def midnight(days: int) -> datetime:
    """The end of a day, that many days after 1 March 2013; the clocks change on the 10th."""
    return day_start(date(2013, 3, 1) + timedelta(days=days), NEW_YORK)


TRAINED = midnight(0)
CHAMPION = 1
RECORD = ChampionRecord(CHAMPION, Binary(), datetime(2013, 3, 1, tzinfo=UTC), 0.4, {"amount": 0.05, "shop": 0.002})


def watching(project: Project, **triggers: Any) -> Project:
    """The project with these settings of `[triggers]`; without any, with a limit for every trigger."""
    chosen = triggers or {"max_loss_increase": 0.02, "max_drift_loss": 0.01, "new_labels": 30}
    section = msgspec.structs.replace(project.settings.triggers, **chosen)
    return replace(project, settings=msgspec.structs.replace(project.settings, triggers=section))


def measurement_rows(
    day: int, values: Mapping[tuple[str, str], float], *, role: str | None = "champion"
) -> pl.DataFrame:
    """Measurements of the day that ends at that midnight, by monitor and name."""
    rows = [(midnight(day), 24.0, *key, CHAMPION, value, role, midnight(day)) for key, value in values.items()]
    return pl.DataFrame(rows, schema=MEASUREMENTS.fixed_schema, orient="row")


def measured_days(gap: float, *days: int, rows: int = 100, version: int = CHAMPION) -> pl.DataFrame:
    """Measurements of the days that end at these midnights: more outcomes were true than was predicted, by `gap`."""
    joined = pl.DataFrame({"truth": [1.0, 0.0] * (rows // 2), "output": [0.5 - gap] * rows})
    joined = joined.with_columns(version=pl.lit(version, pl.Int64), role=pl.lit("champion"))
    return pl.concat(
        [pl.DataFrame(schema=MEASUREMENTS.fixed_schema)]
        + [
            measure(
                Window(midnight(day - 1), midnight(day)),
                version=version,
                task=Binary(),
                predictions=pl.DataFrame(),
                inputs=pl.DataFrame(),
                joined=joined,
                profiles={},
            )
            for day in days
        ]
    )


def trigger_input(
    project: Project,
    last_training: datetime | None,
    now: datetime,
    measurements: pl.DataFrame | None = None,
    **more: Any,
) -> TriggerInput:
    """What triggers see at `now`; without measurements, days on which nothing was measured."""
    table = measured_days(0.0) if measurements is None else measurements
    return TriggerInput(
        project,
        now,
        last_training,
        read_measurements=lambda since: table.filter(pl.col("at") > since),
        champion=CHAMPION,
        **more,
    )
