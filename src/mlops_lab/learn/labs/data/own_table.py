"""A table of the learner's own as the data of a lab: what it has is used, and what it lacks is planted, or said.

Rows stay in the order of their time (without one: of the file) and are dealt out onto the days of the lab, so any table
with enough rows will do. Planted are an id, the moment of a request, the moment at which its outcome is known, the
group `channel`, a column that is known too late, and a key where none is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.sources import read_data
from mlops_lab.learn.labs.data.layout import KNOWN_AT, Layout, Needs, NumberField, TextField
from mlops_lab.learn.labs.data.table import TableData
from mlops_lab.starter.analyse import analyse_table
from mlops_lab.starter.analysis import TableAnalysis
from mlops_lab.starter.columns import profile_column
from mlops_lab.starter.options import InitOptions
from mlops_lab.training.column_skill import measure_skill

FIRST_DAY = date(2025, 3, 3)
_ID, _TIME, _KEY, _CHANNEL, LEAK = "case_id", "case_at", "case_key", "channel", "reviewed_score"
_PLANTED = (_ID, _TIME, _KEY, _CHANNEL, LEAK)
_MAX_CATEGORIES, _KEYS, _FACTOR, _DECIMALS = 30, 90, 1000, 3
_SHARE_OF_WEB = 0.75
_MIN_SHARE = 0.03
_MORE = 2
"""How many times as many rows a day as of the shop: what is to be learned of a table may be hard to see."""


@dataclass(frozen=True)
class TableChoice:
    """The table and the roles of its columns; None: found, or planted."""

    data: str
    target: str
    time: str | None = None
    key: str | None = None


def prepare_own_table(choice: TableChoice, needs: Needs, *, seed: int) -> TableData:
    """The table, dealt out onto days; InvalidInput says what it lacks."""
    frame = read_data(choice.data)
    if clash := [name for name in frame.columns if name in _PLANTED]:
        hint = "rename it in the file: the lab adds a column of that name"
        raise _lacking(choice, f'has a column "{clash[0]}"', hint=hint)
    analysis = analyse_table(frame, InitOptions(choice.target, time=choice.time, key=choice.key))
    if len(analysis.counts) != 2:
        hint = "name a --target with two values, such as yes and no"
        raise _lacking(
            choice, f'has no yes or no in "{choice.target}" ({len(analysis.counts) or "a number"})', hint=hint
        )
    rows = _read_rows(frame, analysis, choice)
    per_day = min(_MORE * needs.per_day, rows.height // needs.days)
    if per_day < needs.min_per_day:
        what = f"has {rows.height:,} usable rows, and this lab needs {needs.days * needs.min_per_day:,}"
        raise _lacking(choice, what, hint="bring a larger table, take another lab, or --data flights")
    keys = rows[_key_of(analysis)].n_unique() if analysis.key else _KEYS
    if keys < needs.keys:
        what = f'has {keys} values in the key "{analysis.key}", and this lab needs {needs.keys}'
        raise _lacking(choice, what, hint="name another --key, or none: the lab makes one up")
    rows = _plant(rows.head(per_day * needs.days), per_day, analysis, seed=seed)
    layout = _describe(rows, analysis, choice, per_day, seed=seed)
    spoiled = [number.name for number in layout.spoiled_numbers]  # a thousandth of it is a whole number
    return TableData(layout, rows.with_columns(pl.col(spoiled).round(_DECIMALS)))


def _lacking(choice: TableChoice, what: str, *, hint: str) -> InvalidInput:
    return InvalidInput(what, code="unfit_table", where=choice.data, hint=hint)


def _key_of(analysis: TableAnalysis) -> str:
    return analysis.key or _KEY


def _label_of(analysis: TableAnalysis) -> str:
    """The target's own field where its values are yes and no, or 1 and 0; otherwise `is_` and its rarer class."""
    if analysis.task == "binary" and not analysis.classes:
        return analysis.target.field
    rarer = min(analysis.counts, key=lambda name: analysis.counts[name])
    word = "".join(letter if letter.isalnum() else "_" for letter in rarer).strip("_") or "other"
    return _free(f"{analysis.target.field}_is_{word}".lower(), analysis)


def _free(name: str, analysis: TableAnalysis) -> str:
    """The name, or one like it that no column of the table has."""
    taken = {item.column.field for item in analysis.columns}
    while name in taken:
        name += "_"
    return name


def _read_rows(frame: pl.DataFrame, analysis: TableAnalysis, choice: TableChoice) -> pl.DataFrame:
    """The inputs, the parts of the time, the key and the outcome of each usable row, in order."""
    values = {name: profile_column(frame[name], name, is_time=name == choice.time)[1] for name in frame.columns}
    columns: list[pl.Series] = []
    for column in analysis.of_role("number", "category"):
        series = values[column.name]
        columns.append((series.cast(pl.Float64) if series.dtype.is_numeric() else series).alias(column.field))
    if analysis.key and analysis.key not in {series.name for series in columns}:
        column = next(item.column for item in analysis.columns if item.column.field == analysis.key)
        columns.append(values[column.name].alias(analysis.key))
    target = values[analysis.target.name]
    if target.dtype == pl.Boolean:
        label = target
    else:
        is_whole = target.dtype.is_numeric()
        texts = (target.cast(pl.Int64) if is_whole else target).cast(pl.String)
        rarer = min(analysis.counts, key=lambda name: analysis.counts[name])
        label = texts == ("1" if set(analysis.counts) == {"0", "1"} else rarer)
    rows = pl.DataFrame([*columns, label.alias(_label_of(analysis))])
    if (time := analysis.first("time")) is not None:
        moment = values[time.name]
        read = {"hour": moment.dt.hour(), "weekday": moment.dt.weekday(), "month": moment.dt.month()}
        parts = {_free(f"{time.field}_{part}", analysis): series.cast(pl.Float64) for part, series in read.items()}
        rows = (
            rows.with_columns(**parts)
            .with_columns(moment.alias(_TIME))
            .drop_nulls(_TIME)
            .sort(_TIME, maintain_order=True)
        )
        rows = rows.drop(_TIME, *(name for name in parts if rows[name].n_unique() < 2))
    elif analysis.order == "shuffled":
        rows = rows.sample(fraction=1.0, shuffle=True, seed=0)
    needed = [_label_of(analysis), *([analysis.key] if analysis.key else [])]
    rows = rows.drop_nulls(needed).filter(~pl.any_horizontal(pl.selectors.float().is_infinite().fill_null(value=False)))
    return rows.with_columns(pl.col(analysis.key).cast(pl.String)) if analysis.key else rows


def _plant(rows: pl.DataFrame, per_day: int, analysis: TableAnalysis, *, seed: int) -> pl.DataFrame:
    """The rows with the columns that a lab needs and the table does not have."""
    random, midnight = Random(seed), datetime.combine(FIRST_DAY, datetime.min.time())
    minutes = [sorted(random.randrange(24 * 60) for _ in range(per_day)) for _ in range(rows.height // per_day)]
    at = [midnight + timedelta(days=day, minutes=minute) for day, of_day in enumerate(minutes) for minute in of_day]
    known_at = [moment + timedelta(minutes=random.randrange(24 * 60, 3 * 24 * 60)) for moment in at]
    planted: dict[str, Any] = {
        _ID: [f"A-{10_000 + number}" for number in range(rows.height)],
        _TIME: at,
        KNOWN_AT: known_at,
        _CHANNEL: ["web" if random.random() < _SHARE_OF_WEB else "app" for _ in at],
        LEAK: [round(10 * label + random.gauss(0, 1), 1) for label in rows[_label_of(analysis)]],
    }
    if not analysis.key:
        planted[_KEY] = [f"K-{random.randrange(_KEYS):03}" for _ in at]
    moments = pl.col(_TIME, KNOWN_AT).dt.replace_time_zone("UTC")
    return rows.hstack(pl.DataFrame(planted).with_columns(moments))


def _describe(rows: pl.DataFrame, analysis: TableAnalysis, choice: TableChoice, per_day: int, *, seed: int) -> Layout:
    """What the rows look like; InvalidInput where no input can be spoiled, or none says anything."""
    label, key = _label_of(analysis), _key_of(analysis)
    share = float(rows[label].mean() or 0.0)  # type: ignore[arg-type]
    if not _MIN_SHARE <= share <= 1 - _MIN_SHARE:
        what = f"is {share:.1%} {label}: a few weeks of it have too few of one kind"
        raise _lacking(choice, what, hint=f"bring a table with at least {_MIN_SHARE:.0%} of each")
    names = [name for name in rows.columns if name not in {*_PLANTED, KNOWN_AT, key, label}]
    skills = {name: _skill(rows[name], rows[label]) for name in names}
    inputs = sorted(names, key=lambda name: -skills[name])
    if len(inputs) < 2:
        raise _lacking(choice, f"has {len(inputs)} inputs, and a lab needs two", hint="bring a table with more columns")
    numbers = [name for name in inputs if rows[name].dtype != pl.String]
    spoiled = next((name for name in numbers if _can_be_spoiled(rows[name])), None)
    if spoiled is None:
        what = "has no column of numbers from 0 on that reach 1: a lab changes the unit of one"
        raise _lacking(choice, what, hint="bring a table with an amount in it: a weight, a price, a duration")
    categories = [name for name in inputs if rows[name].dtype == pl.String]
    text = next((name for name in categories if 2 <= rows[name].n_unique() <= _MAX_CATEGORIES), _CHANNEL)
    types = {name: f'"{_type_of(rows[name])}"' for name in names}
    return Layout(
        source="table",
        id=_ID,
        time=_TIME,
        label=label,
        key=key,
        coarse_key=_CHANNEL,
        fields={_TIME: '"datetime"', key: '"string"', _CHANNEL: '"string?"', **types},
        numbers=numbers,
        categories=[*categories, _CHANNEL],
        parts=[],
        spoiled_numbers=[_spoil_number(spoiled, rows[spoiled])],
        spoiled_texts=[_spoil_text(text, rows[text])],
        group=_CHANNEL,
        leak=LEAK,
        first_day=FIRST_DAY,
        per_day=per_day,
        seed=seed,
    )


def _skill(values: pl.Series, truth: pl.Series) -> float:
    found = measure_skill(values, truth, has_classes=True)
    return found.skill if found is not None else 0.0


def _can_be_spoiled(values: pl.Series) -> bool:
    if not values.dtype.is_float():
        return False
    low, high, median = values.min(), values.max(), values.median()
    return low is not None and float(low) >= 0 and float(high) >= 1 and float(median) > 0  # type: ignore[arg-type]


def _type_of(values: pl.Series) -> str:
    return {pl.Boolean: "boolean?", pl.String: "string?"}.get(values.dtype.base_type(), "float?")


def _spoil_number(name: str, values: pl.Series) -> NumberField:
    high = float(values.max())  # type: ignore[arg-type]
    return NumberField(
        name=name,
        raw=f"{name}_thousandths",
        factor=_FACTOR,
        low=0,
        high=float(f"{2 * high:.1g}"),
        right="whole units",
        wrong="thousandths",
    )


def _spoil_text(name: str, values: pl.Series) -> TextField:
    common = values.drop_nulls().value_counts(name="n").sort("n", name, descending=[True, False])[name].to_list()
    codes = {f"c{number}": value for number, value in enumerate(sorted(common), 1)}
    return TextField(
        name=name, raw=f"{name}_code", codes=codes, renamed={value: f"{value} (new)" for value in common[:2]}
    )
