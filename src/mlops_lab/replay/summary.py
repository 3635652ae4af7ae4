"""The summary of a replay: figures by month and by day, the decisions, the counts and the time it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
from msgspec import Struct, structs
from numpy.typing import ArrayLike

from mlops_lab.monitoring.quality import log_loss, roc_auc

SHORT_NAMES = {
    "bootstrap": "bootstrap",
    "retrain": "retrained",
    "refuse": "refused",
    "shadow": "shadow",
    "supersede": "fresher",
    "canary": "canary",
    "promote": "promoted",
    "expire": "expired",
    "confirm": "confirmed",
    "roll_back": "rolled back",
}
"""The short name of each kind of decision, in the usual order for a version."""

VERDICTS = ("bootstrap", "promote", "refuse", "expire", "roll_back")
"""The decisions that end a rollout; the others are steps of it."""


class ArmResult(Struct, frozen=True, kw_only=True):
    """One figure for the first model, never retrained, and for the loop; None where it is not defined."""

    frozen: float | None
    loop: float | None


class Month(Struct, frozen=True, kw_only=True):
    """The answers of one calendar month with a known outcome; `month` as 2013-03, `late_rate` from 0 to 1."""

    month: str
    predictions: int
    late_rate: float
    log_loss: ArmResult
    auc: ArmResult


class Day(Struct, frozen=True, kw_only=True):
    """The answers of one day whose outcome is known; `day` as 2013-03-01."""

    day: str
    predictions: int
    late_rate: float
    log_loss: ArmResult


class DecisionRow(Struct, frozen=True, kw_only=True):
    """One decision: when (ISO 8601; its first ten characters are the day it is shown under), what, why."""

    at: str
    what: str
    version: int | None
    reason: str


class ReplayCounts(Struct, frozen=True, kw_only=True):
    """Where every request ended up: `logged` is `joined` + `pending`; `lost` and `duplicated` must be 0."""

    sent: int
    logged: int
    joined: int
    pending: int
    lost: int
    duplicated: int


class ReplaySummary(Struct, frozen=True, kw_only=True):
    """Everything reported about a replay; `span`: its first and last day, `stages`: seconds by name."""

    project: str
    span: tuple[str, str]
    months: list[Month]
    log_loss: ArmResult
    auc: ArmResult
    decisions: list[DecisionRow]
    counts: ReplayCounts
    seconds: float
    stages: dict[str, float]
    report: str


def summarise(answered: pl.DataFrame) -> tuple[list[Month], ArmResult, ArmResult, list[Day]]:
    """Months, log loss overall, AUC overall, and days; months and days in order.

    `answered` has one row for each answer with a known outcome, in any order. Columns: day (Date), late (Int8 or
    Boolean), loop and frozen (Float64, 0 to 1): the probability that the loop answered, and the one of the first
    model. A figure is None where either is missing in a row: means over different rows cannot be compared.
    """
    months = [
        Month(
            month=str(key),
            predictions=rows.height,
            late_rate=_late_rate(rows),
            log_loss=_measure_arms(rows, log_loss),
            auc=_measure_arms(rows, roc_auc),
        )
        for key, rows in _by_period(answered, pl.col("day").dt.strftime("%Y-%m"))
    ]
    days = [
        Day(day=str(key), predictions=rows.height, late_rate=_late_rate(rows), log_loss=_measure_arms(rows, log_loss))
        for key, rows in _by_period(answered, pl.col("day").dt.strftime("%Y-%m-%d"))
    ]
    return months, _measure_arms(answered, log_loss), _measure_arms(answered, roc_auc), days


def smooth_days(days: list[Day], window_days: int = 7) -> list[Day]:
    """The days, each with the mean log loss of the `window_days` calendar days that end with it.

    Days weigh by their predictions. Late rate and predictions remain those of the day. A day without a figure for
    either arm is left out for both; a window without any day left has None.
    """
    smoothed = []
    for index, last in enumerate(days):
        first = str(date.fromisoformat(last.day) - timedelta(days=window_days - 1))
        window = [day for day in days[max(0, index + 1 - window_days) : index + 1] if day.day >= first]
        smoothed.append(structs.replace(last, log_loss=_mean_log_loss(window)))
    return smoothed


def write_headline(summary: ReplaySummary) -> str:
    """The result in one or two sentences, whichever arm was better."""
    start, end = (date.fromisoformat(day) for day in summary.span)
    first = f"{start.day} {start:%B}" + (f" {start.year}" if start.year != end.year else "")
    when = f"between {first} and {end.day} {end:%B %Y}" if start != end else f"on {end.day} {end:%B %Y}"
    answered = f"The loop answered {summary.counts.logged:,} requests {when}."
    loop, frozen = summary.log_loss.loop, summary.log_loss.frozen
    if loop is None or frozen is None:
        return f"{answered} Too few outcomes are known to say how well."
    comparison = {"loop": f"better than {frozen:.3f}", "frozen": f"worse than {frozen:.3f}", "": "the same as"}
    arm = better_arm(summary.log_loss, lower_wins=True)
    return f"{answered} Its log loss was {loop:.3f}, {comparison[arm]} for the first model, never retrained."


def better_arm(figure: ArmResult, *, lower_wins: bool) -> str:
    """The better arm at the three decimals that are shown: "loop", "frozen", or "" for neither."""
    if figure.frozen is None or figure.loop is None:
        return ""
    gain = round(figure.frozen, 3) - round(figure.loop, 3)
    return "" if gain == 0 else "loop" if (gain > 0) == lower_wins else "frozen"


def count_decisions(decisions: list[DecisionRow]) -> str:
    """The verdicts among `decisions`, such as "2 promoted, 1 refused"; where there are none, the steps."""
    count = Counter(row.what for row in decisions)
    kinds = [what for what in VERDICTS if count[what]] or sorted(count)
    return ", ".join(f"{count[kind]} {short_name(kind)}" for kind in kinds)


def short_name(what: str) -> str:
    """The short name of a kind of decision; for an unknown kind its own name."""
    return SHORT_NAMES.get(what, what.replace("_", " "))


def stage_shares(summary: ReplaySummary) -> list[tuple[str, float, float]]:
    """Name, seconds and share (0 to 1) of each stage, longest first; last the time outside of all stages."""
    rest = summary.seconds - sum(summary.stages.values())
    whole = max(summary.seconds, sum(summary.stages.values())) or 1.0
    stages = sorted(summary.stages.items(), key=lambda stage: (-stage[1], stage[0]))
    if rest > 0.01 * summary.seconds:
        stages.append(("everything else", rest))
    return [(name, seconds, seconds / whole) for name, seconds in stages]


def _by_period(answered: pl.DataFrame, key: pl.Expr) -> list[tuple[object, pl.DataFrame]]:
    parts = answered.with_columns(key.alias("period")).partition_by("period", as_dict=True)
    return sorted(((name[0], rows) for name, rows in parts.items()), key=lambda part: str(part[0]))


def _late_rate(rows: pl.DataFrame) -> float:
    return float(rows["late"].cast(pl.Float64).to_numpy().mean())


def _measure_arms(rows: pl.DataFrame, metric: Callable[[ArrayLike, ArrayLike], float | None]) -> ArmResult:
    late = rows["late"].cast(pl.Float64).to_numpy()
    complete = rows.height > 0 and not (rows["loop"].has_nulls() or rows["frozen"].has_nulls())
    if not complete:
        return ArmResult(frozen=None, loop=None)
    return ArmResult(frozen=metric(late, rows["frozen"].to_numpy()), loop=metric(late, rows["loop"].to_numpy()))


def _mean_log_loss(days: list[Day]) -> ArmResult:
    frozen = loop = 0.0
    weight = 0
    for day in days:
        if day.log_loss.frozen is not None and day.log_loss.loop is not None:
            frozen += day.log_loss.frozen * day.predictions
            loop += day.log_loss.loop * day.predictions
            weight += day.predictions
    return ArmResult(frozen=frozen / weight, loop=loop / weight) if weight else ArmResult(frozen=None, loop=None)
