"""Measurements of a window: how many requests there were, how good the answers, how the data differs from training."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import polars as pl

from mlops_lab.monitoring.detectors.answer_calibration import CALIBRATION
from mlops_lab.monitoring.detectors.answer_quality import QUALITY
from mlops_lab.monitoring.detectors.base import Operations, Seen
from mlops_lab.monitoring.detectors.nulls import NULLS
from mlops_lab.monitoring.detectors.run import run_answer_detectors, run_detectors, run_operations_detectors
from mlops_lab.monitoring.profile import Profile, null_share
from mlops_lab.monitoring.window import Window
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tasks.base import Task, mean_of

EVIDENCE = "evidence"
"""The monitor of what a rollout has shown."""
UNMEASURED = "unmeasured"
"""The monitor of what could not be measured; the name of the row is the reason."""
CHAMPION, ARM = "champion", "arm"
_Row = tuple[str, str, float | None]
_GROUP = ["version", "role"]
_SAME = ["at", "monitor", "name", *_GROUP]


def measure(
    window: Window,
    *,
    version: int,
    task: Task,
    predictions: pl.DataFrame,
    inputs: pl.DataFrame,
    joined: pl.DataFrame,
    profiles: Mapping[str, Profile],
    fields: Collection[str] = (),
) -> pl.DataFrame:
    """The measurements of one window, one row each (the columns of `MEASUREMENTS`).

    `predictions` are the requests that were answered in the window, and `inputs` what the champion, `version`, saw in
    it; `joined` (`version`, `role`, `truth`, `output`) the outcomes that arrived in it, each with the answer it belongs
    to; `profiles` describe what the champion was trained on; `fields` are those of requests that may be null, of which
    features may be made.

    What the answers tell is measured apart for each version and role that answered: a new version is not
    measured by the answers of the one before, whose outcomes still come in.
    """
    parts = [
        _rows(
            window,
            number,
            run_answer_detectors(
                Seen(window, task, _of_group(predictions, number, role), _of_group(joined, number, role))
            ),
            role=role,
        )
        for number, role in _groups(version, predictions, joined)
    ]
    nulls = [
        (NULLS.monitor, name, null_share(predictions[name]))
        for name in fields
        if predictions.height and name in predictions.columns and name not in inputs.columns
    ]
    return pl.concat([*parts, _rows(window, version, [*run_detectors(inputs, profiles), *nulls])])


def measure_beside(
    window: Window, *, version: int, inputs: pl.DataFrame, profiles: Mapping[str, Profile], only: Collection[str]
) -> pl.DataFrame:
    """How much the inputs of a window differ from what another version than the champion was trained on, by `only` some
    monitors."""
    return _rows(window, version, run_detectors(inputs, profiles, only=only))


def measure_operations(window: Window, seen: Operations) -> pl.DataFrame:
    """What happened in a window beside answers (as rows of `MEASUREMENTS`); it is about no version alone."""
    return _rows(window, None, run_operations_detectors(seen))


def measure_quality(window: Window, *, task: Task, joined: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Quality and calibration of a window once more, with the outcomes as known at `as_of` (see `measure`)."""
    nothing = joined.clear()
    parts = [
        _rows(
            window,
            version,
            _quality(Seen(window, task, nothing, _of_group(joined, version, role))),
            role=role,
            as_of=as_of,
        )
        for version, role in _groups_in([joined])
    ]
    return pl.concat([pl.DataFrame(schema=MEASUREMENTS.fixed_schema), *parts])


def measure_parity(window: Window, *, version: int, cells: int, differing: int) -> pl.DataFrame:
    """How many feature values were compared with their definition, and how many differ (as rows of `MEASUREMENTS`)."""
    return _rows(window, version, [("parity", "compared", float(cells)), ("parity", "differing", float(differing))])


def measure_gain(window: Window, gains: pl.Series) -> pl.DataFrame:
    """By how much the challenger of a rollout was better, on average, and on how many requests (as rows of
    `MEASUREMENTS`); nothing without requests."""
    if gains.is_empty():
        return _rows(window, None, [])
    return _rows(window, None, [(EVIDENCE, "gain", mean_of(gains)), (EVIDENCE, "rows", float(len(gains)))])


def note_unmeasured(window: Window, *, version: int | None, reason: str) -> pl.DataFrame:
    """That something could not be measured, and why (as a row of `MEASUREMENTS`)."""
    return _rows(window, version, [(UNMEASURED, reason, 1.0)])


def _rows(
    window: Window,
    version: int | None,
    rows: Iterable[_Row],
    *,
    role: str | None = None,
    as_of: datetime | None = None,
) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (window.end, window.hours, monitor, name, version, value, role, as_of or window.end)
            for monitor, name, value in rows
            if value is not None
        ],
        schema=MEASUREMENTS.fixed_schema,
        orient="row",
    )


def _groups(champion: int, predictions: pl.DataFrame, joined: pl.DataFrame) -> list[tuple[int, str]]:
    """The versions that answered, each with its role; the champion always, even where it answered nothing."""
    return sorted({(champion, CHAMPION), *_groups_in([predictions, joined])})


def _groups_in(frames: Iterable[pl.DataFrame]) -> list[tuple[int, str]]:
    found = [frame.select(_GROUP).drop_nulls().unique().iter_rows() for frame in frames if frame.height]
    return sorted({(version, role) for rows in found for version, role in rows})


def _of_group(frame: pl.DataFrame, version: int, role: str) -> pl.DataFrame:
    return frame.filter(pl.col("version") == version, pl.col("role") == role) if frame.height else frame


def _quality(seen: Seen) -> list[_Row]:
    return [(of.monitor, name, value) for of in (QUALITY, CALIBRATION) for name, value in of.measure(seen)]


def differing_cells(measurements: pl.DataFrame) -> int:
    """How many feature values, over several windows, differ from their definition."""
    if measurements.is_empty():
        return 0
    return int(measurements.filter(pl.col("monitor") == "parity", pl.col("name") == "differing")["value"].sum())


def as_known_now(measurements: pl.DataFrame) -> pl.DataFrame:
    """The last of the measurements of the same: where outcomes were corrected later, as known after that."""
    return measurements.sort("at", "as_of").unique(_SAME, keep="last", maintain_order=True)


def as_known_then(measurements: pl.DataFrame) -> pl.DataFrame:
    """The first of the measurements of the same: as known when the window ended."""
    return measurements.sort("at", "as_of").unique(_SAME, keep="first", maintain_order=True)


def measurements_of(measurements: pl.DataFrame, version: int | None) -> pl.DataFrame:
    """Those measurements that are about a version in its rollout or as champion. What it answered as an arm of an A/B
    test, to keys and for as long as a person chose, says nothing about it as champion."""
    if measurements.is_empty():
        return measurements
    return measurements.filter(pl.col("version") == version, pl.col("role").ne_missing(ARM))


def quality_of(measurements: pl.DataFrame, name: str, *, version: int) -> float | None:
    """The value of one quality measurement of a version as champion, or None where it was not made."""
    values = measurements_of(measurements, version).filter(
        pl.col("monitor") == "quality",
        pl.col("name") == name,
        pl.col("role").is_null() | (pl.col("role") == CHAMPION),
    )["value"]
    return float(values[-1]) if len(values) else None


def calibration_gap(measurements: pl.DataFrame) -> tuple[str, float, float]:
    """(part, gap, outcomes) of the part of the task with the widest gap: the mean truth less the mean answer, over
    several windows, weighted by their outcomes. A part has a name where there are several: the class."""
    window = ["at", *_GROUP]
    outcomes = measurements.filter(pl.col("monitor") == "volume", pl.col("name") == "outcomes")
    gaps = measurements.filter(pl.col("monitor") == "calibration").join(
        outcomes.select(*window, outcomes="value"), on=window, how="inner", nulls_equal=True
    )
    total = gaps.group_by("name", maintain_order=True).agg(
        gap=(pl.col("value") * pl.col("outcomes")).sum() / pl.col("outcomes").sum(), outcomes=pl.col("outcomes").sum()
    )
    if total.is_empty():
        return "", 0.0, 0.0
    worst = total.sort(pl.col("gap").abs(), "name", descending=[True, False]).row(0, named=True)
    return str(worst["name"]), float(worst["gap"]), float(worst["outcomes"])
