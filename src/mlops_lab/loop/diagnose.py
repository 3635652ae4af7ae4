"""Why the loss is higher than before: the answers since a day, beside those of the weeks before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from mlops_lab.features.definition import Features
from mlops_lab.lake import Lake
from mlops_lab.loop.joined_outcomes import accepted_since, read_between, task_of, with_truth
from mlops_lab.monitoring.cause import Explained, LossWindow, explain_by_features, explain_by_groups, first_unusual
from mlops_lab.monitoring.detectors.jensen_shannon import jensen_shannon
from mlops_lab.monitoring.detectors.slices import SLICE
from mlops_lab.monitoring.logged_inputs import logged_inputs
from mlops_lab.monitoring.measure import CHAMPION
from mlops_lab.monitoring.profile import Profile, make_profiles, spread_rows
from mlops_lab.project import Project
from mlops_lab.registry.package import load_plan
from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.tables.table import MOMENT

BEFORE = timedelta(days=28)
"""So much time before the change is compared with."""
MAX_ROWS = 50_000
"""Of more answers in a window, so many are looked at, evenly spaced in time."""
NAMED = 3
_MIN_ANSWERS = 100


@dataclass(frozen=True)
class Delivery:
    """Rows of a table that arrived together: their file in the lake, how many they are, and when the first arrived."""

    table: str
    file: str
    rows: int
    at: datetime


@dataclass(frozen=True)
class FeatureCause:
    """A feature that explains a part of the loss, the tables that its values come from (none: the request), and the
    first delivery since the change that is unlike those before."""

    explained: Explained
    tables: Sequence[str]
    delivery: Delivery | None


@dataclass(frozen=True)
class Diagnosis:
    """The mean loss before and since a day, and what explains the difference; `answers` since then with an outcome."""

    since: datetime
    until: datetime
    loss_before: float
    loss_since: float
    answers: int
    features: Sequence[FeatureCause]
    groups: Sequence[Explained]

    def sentence(self) -> str:
        """What explains the loss, in words; empty where nothing does."""
        parts = [self._feature(cause) for cause in self.features[:NAMED]]
        parts += [f"{group.name} ({_percent(group.share)})" for group in self.groups[:NAMED]]
        return f"of the higher loss, explained by {', '.join(parts)}" if parts else ""

    def _feature(self, cause: FeatureCause) -> str:
        source = f" from {', '.join(cause.tables)}" if cause.tables else ""
        if cause.delivery is not None:
            source = f" from {cause.delivery.table}, the rows that arrived at {cause.delivery.at.isoformat()}"
        return f"{cause.explained.name}{source} ({_percent(cause.explained.share)})"


def diagnose(
    project: Project, lake: Lake, *, package: Path, profiles: Mapping[str, Profile], since: datetime, until: datetime
) -> Diagnosis | None:
    """What explains that the loss of the champion's answers from `since` to `until` is higher than in the 28 days
    before; None with fewer than 100 answers with an outcome in either time. `package` and `profiles` are the
    champion's."""
    read = partial(_read_window, project, lake, package, until=until)
    before, after = read(since - BEFORE, since), read(since, until)
    if before is None or after is None:
        return None
    features = Features.from_dict(load_plan(package).features)
    causes = [
        FeatureCause(
            item, (origin := _tables_of(features, item.name))[0], _find_delivery(lake, origin[1], since, until)
        )
        for item in explain_by_features(before, after, profiles)
    ]
    losses = float(before.loss.mean()), float(after.loss.mean())
    return Diagnosis(since, until, *losses, len(after.loss), causes, explain_by_groups(before, after))


def _read_window(
    project: Project, lake: Lake, package: Path, began: datetime, end: datetime, *, until: datetime
) -> LossWindow | None:
    """The champion's answers of a time whose outcomes arrived before `until`."""
    answers = read_between(lake, PREDICTIONS, began, before=end)
    outcomes = accepted_since(project, lake, began, known_by=until)
    if answers.is_empty() or outcomes.is_empty():
        return None
    answers = answers.filter(pl.col("role") == CHAMPION).sort("at", "id")
    task = task_of(project, package)
    truth = with_truth(project, lake, outcomes, task).select("id", "truth", "output").drop_nulls()
    rows = answers.drop("output").join(truth, on="id", how="inner", maintain_order="left")
    rows = rows[spread_rows(rows.height, MAX_ROWS)]
    if rows.height < _MIN_ANSWERS:
        return None
    names = [name for name in project.settings.gates.slices if name in rows.columns]
    loss = task.losses(rows["truth"], rows["output"]).to_numpy()
    return LossWindow(loss, logged_inputs(rows, load_plan(package)), rows.select(pl.col(names).name.prefix(SLICE)))


def _tables_of(features: Features, name: str) -> tuple[list[str], list[tuple[str, str]]]:
    """(the tables, their columns) that an input is looked up in or derived from."""
    roots = features.derived[name].meta.root_names() if name in features.derived else [name]
    columns = [
        (view.table, view.values[root].column) for view in features.views for root in roots if root in view.values
    ]
    return list(dict.fromkeys(table for table, _ in columns)), list(dict.fromkeys(columns))


def _find_delivery(lake: Lake, columns: Sequence[tuple[str, str]], since: datetime, until: datetime) -> Delivery | None:
    """The first delivery since the day before the change whose values are unlike those of the weeks before."""
    for table, column in columns:
        deliveries = list(_deliveries(lake, table, column, since - BEFORE, until))
        earlier = [item for item in deliveries if item[0].at < since - timedelta(days=1)]
        later = [item for item in deliveries if item[0].at >= since - timedelta(days=1)]
        if not earlier or not later:
            continue
        profile = make_profiles(pl.concat([values for _, values in earlier]).to_frame())[column]
        place = first_unusual(
            [jensen_shannon(profile, values) for _, values in later],
            usual=[jensen_shannon(profile, values) for _, values in earlier],
        )
        if place is not None:
            return later[place][0]
    return None


def _deliveries(
    lake: Lake, table: str, column: str, since: datetime, until: datetime
) -> Iterator[tuple[Delivery, pl.Series]]:
    """What arrived in a table, file by file, oldest first: an append is a file, until it is compacted."""
    schema = lake.schema(table)
    moment = next((name for name in ("received_at", "known_at") if name in schema), None)
    if column not in schema or moment is None:
        return
    found = []
    for file in lake.files(table):
        (rows,) = lake.read_files(table, [file], columns=[column, moment])
        arrived = rows[moment].cast(MOMENT, strict=False).min()
        if isinstance(arrived, datetime) and since <= arrived < until:
            found.append((Delivery(table, file, rows.height, arrived), _comparable(rows[column])))
    yield from sorted(found, key=lambda item: (item[0].at, item[0].file))


def _comparable(values: pl.Series) -> pl.Series:
    return values.cast(pl.Float64, strict=False) if values.dtype.is_numeric() else values.cast(pl.String)


def _percent(share: float) -> str:
    return f"{np.clip(share, 0, 1):.0%}"
