"""Limits: which measurements of a day differ so much from training, or from the days before, that somebody should look.

They are wide, and the same in every project: what is told is rarely nothing. They do not know how far the data of a
project usually moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from mlops_lab.monitoring.profile import Profile

MIN_ANSWERS = 100
"""A day with fewer answers tells too little about their inputs."""
MAX_DRIFT, DRIFT_FACTOR = 2.0, 2.0
"""Of the population stability index. 0.25 is the usual word for "large"; seasons alone exceed that. After `MIN_DAYS` it
must also be so many times what half of the days had."""
MAX_SHARE = 0.2
"""Of nulls more than in training, and of texts that were not in training."""
MIN_DAYS, VOLUME_FACTOR = 5, 5
"""After so many days: a day with so many times fewer or more answers than half of them had is told."""
_LISTED = 3


def find_warnings(
    measured: pl.DataFrame, earlier: pl.DataFrame, *, profiles: Mapping[str, Profile], version: int
) -> list[str]:
    """What to tell of a day: `measured` are its measurements, `earlier` those of the days before; `profiles` describe
    what the champion, `version`, was trained on, without inputs that the date alone decides."""
    answers = float(_answers(measured).sum())
    texts = list(_volume(answers, earlier))
    if answers >= MIN_ANSWERS:
        of_inputs = (pl.col("version") == version, pl.col("role").is_null())
        texts += _inputs(measured.filter(*of_inputs), profiles, usual=_usual_drift(earlier.filter(*of_inputs)))
    return texts


def _volume(answers: float, earlier: pl.DataFrame) -> Iterator[str]:
    days = _answers(earlier)
    usual = days.median() if len(days) >= MIN_DAYS else None
    if not isinstance(usual, float) or usual < MIN_ANSWERS:
        return
    if answers * VOLUME_FACTOR < usual or answers > usual * VOLUME_FACTOR:
        yield f"{answers:,.0f} answers, where a day usually has {usual:,.0f}"


def _answers(measured: pl.DataFrame) -> pl.Series:
    """The number of answers of each day."""
    rows = measured.filter(pl.col("monitor") == "volume", pl.col("name") == "predictions")
    return rows.group_by("at").agg(pl.col("value").sum())["value"]


def _usual_drift(earlier: pl.DataFrame) -> dict[str, float]:
    """By input, half of the earlier days had no more drift than this: a single day has less variety than training."""
    days = earlier.filter(pl.col("monitor") == "drift").group_by("name").agg(pl.col("value").median(), pl.len())
    return dict(days.filter(pl.col("len") >= MIN_DAYS).select("name", "value").iter_rows())


def _inputs(measured: pl.DataFrame, profiles: Mapping[str, Profile], *, usual: Mapping[str, float]) -> list[str]:
    """What is told of inputs, the worst first: of each the plainest of what is wrong with it."""
    values: dict[str, dict[str, float]] = {}
    for monitor, name, value in measured.select("monitor", "name", "value").iter_rows():
        if name in profiles:
            values.setdefault(name, {})[monitor] = value
    told = []
    for name, found in values.items():
        nulls, trained = found.get("nulls", 0.0), profiles[name].null_share
        if nulls > trained + MAX_SHARE:
            told.append((nulls - trained, f'{nulls:.0%} of "{name}" is missing; in training {trained:.0%} was'))
        elif (unseen := found.get("unseen", 0.0)) > MAX_SHARE:
            told.append((unseen, f'{unseen:.0%} of the values of "{name}" were never seen in training'))
        elif (drift := found.get("drift", 0.0)) > max(MAX_DRIFT, DRIFT_FACTOR * usual.get(name, 0.0)):
            told.append((drift / 100, f'"{name}" is spread otherwise than in training (PSI {drift:.1f})'))
    told.sort(key=lambda item: (-item[0], item[1]))
    texts = [text for _, text in told]
    more = len(texts) - _LISTED
    return [*texts[:_LISTED], *([f"{more} more inputs differ from training"] if more > 0 else [])]
