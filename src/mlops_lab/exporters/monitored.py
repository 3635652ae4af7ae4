"""The live version for tools that watch models: the rows it was trained on, and what it saw on the measured days."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lineage.reproduce.training_rows import read_training_set
from mlops_lab.loop.days import measured_windows
from mlops_lab.loop.joined_outcomes import predictions_in
from mlops_lab.loop.measure_day import inputs_seen
from mlops_lab.monitoring.window import Window
from mlops_lab.project import Project
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_champion, open_package_of
from mlops_lab.tables.open_lake import open_lake

DAYS = 28
"""So many measured days are exported at most, the newest."""
DAY = "_day"
"""The column of the day: fields and features have no such name."""
REFERENCE_FILE, DAYS_FILE, COLUMNS_FILE = "reference.parquet", "days.parquet", "columns.json"
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class MonitoredVersion:
    """The live version; `reference` has the inputs it was trained on, `days` those of the requests it answered, and
    the day of each; `ends` is when each day was over. Numbers are floats; texts and truth values are texts.
    """

    version: int
    reference: pl.DataFrame
    days: pl.DataFrame
    ends: Mapping[str, datetime]

    @property
    def numbers(self) -> list[str]:
        """The inputs that are numbers."""
        return [name for name, dtype in self.reference.schema.items() if dtype == pl.Float64]

    @property
    def texts(self) -> list[str]:
        """The other inputs."""
        return [name for name, dtype in self.reference.schema.items() if dtype != pl.Float64]

    @property
    def line(self) -> str:
        """What there is, for people."""
        seen = (
            f"{self.days.height:,} requests of {len(self.ends)} measured days" if self.ends else "no measured day yet"
        )
        return f"version {self.version}: {self.reference.height:,} training rows, {seen}"


def read_monitored(project: Project) -> MonitoredVersion:
    """The live version with its rows; InvalidInput where none is live."""
    lake = open_lake(project)
    live = find_champion(read_decisions(lake))
    if project.journal_path.exists():
        ingest_journal(project, lake)
    plan = open_package_of(project, live).plan
    reference = _plain(read_training_set(project, live.version).inputs)
    frames, ends = [reference.clear().with_columns(pl.lit("", pl.String).alias(DAY))], {}
    for window in measured_windows(lake)[-DAYS:]:
        seen = inputs_seen(predictions_in(lake, window), version=live.version, plan=plan)
        if seen.height:
            day = _name_day(window, project.timezone)
            frames.append(_plain(seen).with_columns(pl.lit(day).alias(DAY)))
            ends[day] = window.end
    days = pl.concat(frames, how="diagonal")
    return MonitoredVersion(version=live.version, reference=reference, days=days, ends=ends)


def write_monitored(project: Project, folder: Path) -> MonitoredVersion:
    """Write the rows of the live version, and what its columns are, into the folder."""
    found = read_monitored(project)
    found.reference.write_parquet(folder / REFERENCE_FILE)
    found.days.write_parquet(folder / DAYS_FILE)
    about = {
        "project": project.name,
        "version": found.version,
        "numerical": found.numbers,
        "categorical": found.texts,
        "days": {day: end.isoformat() for day, end in found.ends.items()},
    }
    (folder / COLUMNS_FILE).write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return found


def _plain(inputs: pl.DataFrame) -> pl.DataFrame:
    return inputs.select(
        pl.col(name).cast(pl.String if dtype in (pl.String, pl.Boolean) else pl.Float64)
        for name, dtype in inputs.schema.items()
    )


def _name_day(window: Window, zone: str) -> str:
    """The date of the window in the time zone, which ends at its midnight."""
    return (window.end - _MICROSECOND).astimezone(ZoneInfo(zone)).date().isoformat()
