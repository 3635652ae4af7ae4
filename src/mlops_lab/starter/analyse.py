"""The analysis of a table, from its data and the options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import or_

import polars as pl

from mlops_lab.clock import now
from mlops_lab.errors import InvalidInput
from mlops_lab.project import ASKED_AT, KNOWN_AT, RESERVED, ROW_ID
from mlops_lab.starter.analysis import RoleAssignment, TableAnalysis
from mlops_lab.starter.columns import ColumnProfile, name_fields, profile_column
from mlops_lab.starter.combined_leaks import suspect_combinations
from mlops_lab.starter.leaks import is_sorted_by, sample_rows
from mlops_lab.starter.options import Ask, InitOptions, find_column, take_default, wrong_choice
from mlops_lab.starter.roles import (
    LEFT_OUT,
    choose_date_role,
    choose_role,
    find_date_parts,
    find_id,
    find_time,
    find_time_parts,
)
from mlops_lab.starter.target import find_task

_MAX_SET_ASIDE = 0.9
_MAX_INFINITE = 0.01
_MIN_ROWS_OF_CLASS = 10
_TAKEN = RESERVED | {ASKED_AT, ROW_ID}


def analyse_table(frame: pl.DataFrame, options: InitOptions, *, ask: Ask = take_default) -> TableAnalysis:
    """The roles of all columns, the task, and notes; InvalidInput where the target or another option is wrong."""
    fields = name_fields(frame.columns, _TAKEN)
    profiled = {
        name: profile_column(
            frame[name], fields[name], moment_format=options.format, is_time=options.time in (name, fields[name])
        )
        for name in frame.columns
    }
    columns = {name: column for name, (column, _) in profiled.items()}
    _check_format(columns, options.format)
    values = {name: series for name, (_, series) in profiled.items()}
    target = find_column(options.target, columns, "--target")
    task, classes, counts = find_task(columns[target], values[target], options.task, ask)
    roles, columns = _find_single_roles(columns, values, target, options, ask)
    key = find_column(options.key, columns, "--key") if options.key else None
    if key in roles:
        raise wrong_choice(f'"{key}" is the {roles[key]}', "--key", "name a column that identifies who makes a request")
    columns = {name: _keep_name(column, roles.get(name)) for name, column in columns.items()}
    assigned, parts = _assign_roles(columns, values, roles, key, numeric_target=task == "regression")
    has_time = "time" in roles.values()
    is_shuffled = not has_time and is_sorted_by(values[target], numeric_target=task == "regression")
    analysis = TableAnalysis(
        rows=frame.height,
        columns=assigned,
        task=task,
        classes=classes,
        counts=counts,
        key=columns[key].field if key else None,
        order="shuffled" if is_shuffled else "arrival",
        set_aside=_share_set_aside(assigned, values),
        parts=parts,
        example={},
        notes=(),
    )
    _check_usable(analysis, values)
    return replace(analysis, example=_example(analysis, values), notes=_write_notes(analysis, values))


def _check_format(columns: Mapping[str, ColumnProfile], format: str | None) -> None:
    """InvalidInput where no column has moments in the format that was given."""
    if format is None or any(column.format == format for column in columns.values()):
        return
    written = [f'{column.name} as "{column.format}"' for column in columns.values() if column.format]
    written += [f"{column.name} has {column.examples[0]!r}" for column in columns.values() if column.is_written]
    hint = f"write it as strptime has it; {', '.join(written[:3])}" if written else "leave --format out"
    raise wrong_choice(f'no column has moments written as "{format}"', "--format", hint)


def _find_single_roles(
    columns: Mapping[str, ColumnProfile], values: Mapping[str, pl.Series], target: str, options: InitOptions, ask: Ask
) -> tuple[dict[str, str], dict[str, ColumnProfile]]:
    """The roles that at most one column has, by its name: target, known_at, id, time; and the columns, the time with
    the reason why it is the time."""
    roles = {target: "target"}
    if KNOWN_AT in columns and columns[KNOWN_AT].kind == "datetime" and target != KNOWN_AT:
        roles[KNOWN_AT] = "known_at"
    if (name := find_id(columns, options, roles)) is not None:
        roles[name] = "id"
    if (found := find_time(columns, values, options, roles, ask)) is None:
        return roles, dict(columns)
    time, reason = found
    notes = (*columns[time].notes, *([reason] if reason else []))
    return {**roles, time: "time"}, {**columns, time: replace(columns[time], notes=notes)}


def _keep_name(column: ColumnProfile, role: str | None) -> ColumnProfile:
    """The column, with the data's own name as field where its role allows names that other fields may not have."""
    may_keep = role in {"id", "known_at", "time"} and column.name.isidentifier() and not column.name.startswith("_")
    return replace(column, field=column.name) if may_keep else column


def _assign_roles(
    columns: Mapping[str, ColumnProfile],
    values: Mapping[str, pl.Series],
    roles: Mapping[str, str],
    key: str | None,
    *,
    numeric_target: bool,
) -> tuple[tuple[RoleAssignment, ...], dict[str, tuple[str, ...]]]:
    """Every column with its role, and by field the parts of moments that vary."""
    target = next(name for name, role in roles.items() if role == "target")
    time = next((name for name, role in roles.items() if role == "time"), None)
    sampled = sample_rows(len(values[target]))
    truth = values[target] if sampled is None else values[target][sampled]
    assigned: list[RoleAssignment] = []
    for name, column in columns.items():
        if name in roles:
            assigned.append(RoleAssignment(column, roles[name], "; ".join(column.notes)))
        else:
            sample = values[name] if sampled is None else values[name][sampled]
            role, note = choose_role(column, sample, truth, numeric_target=numeric_target)
            if role == "date":
                role, note = choose_date_role(values[name], values[time] if time else None, note)
            if name == key and role in {LEFT_OUT, "text", "date"}:
                role = "key"  # a field of requests nevertheless
            assigned.append(RoleAssignment(column, role, note))
    samples = {name: series if sampled is None else series[sampled] for name, series in values.items()}
    judged = suspect_combinations(assigned, samples, truth, numeric_target=numeric_target)
    parts: dict[str, tuple[str, ...]] = {}
    for item in judged:
        moments = values[item.column.name]
        if item.role == "time":
            parts[item.column.field] = find_time_parts(moments, numeric_target=numeric_target)
        elif item.role == "date":
            parts[item.column.field] = find_date_parts(moments, has_time=time is not None)
    return judged, {field: varying for field, varying in parts.items() if varying}


def _share_set_aside(assigned: Sequence[RoleAssignment], values: Mapping[str, pl.Series]) -> float:
    """The share of rows that break every contract: without a target or a time, or with an infinite number."""
    unusable = []
    for item in assigned:
        if item.role in {"target", "time", "id", "known_at"}:
            unusable.append(values[item.column.name].is_null())
        if item.column.infinite and item.role != LEFT_OUT:
            unusable.append(~values[item.column.name].cast(pl.Float64).is_finite().fill_null(value=True))
    return float(reduce(or_, unusable).mean() or 0.0)  # type: ignore[arg-type]


def _check_usable(analysis: TableAnalysis, values: Mapping[str, pl.Series]) -> None:
    """Raise InvalidInput where the table cannot become a project."""
    for item in analysis.columns:
        column = item.column
        if item.role != LEFT_OUT and column.infinite > _MAX_INFINITE * column.rows:
            row = int((~values[column.name].cast(pl.Float64).is_finite()).fill_null(value=False).arg_max() or 0)
            raise InvalidInput(
                f"{column.infinite:,} of {column.rows:,} values are infinite, and infinity breaks every contract",
                code="infinite_values",
                where=f'row {row}, column "{column.name}"',
                hint="write a number, or leave the cell empty where there is none",
            )
    if analysis.set_aside > _MAX_SET_ASIDE:
        what = f"{analysis.set_aside:.0%} of the rows have no target, or no time"
        raise InvalidInput(what, code="unusable_rows", where=f'column "{analysis.target.name}"', hint="fix the data")
    time = analysis.first("time")
    if time is not None and (later := _count_future(time, values)) > _MAX_SET_ASIDE * analysis.rows:
        what = f"{later:,} of {analysis.rows:,} rows are in the future: nothing is left to learn from"
        hint = "give the format of its dates (--format), name another column as --time, or none: --time none"
        raise InvalidInput(what, code="future_rows", where=f'column "{time.name}"', hint=hint)
    if not (analysis.of_role("number", "category", "text") or analysis.parts):
        what = "no column is left to predict from"
        reasons = "; ".join(
            f"{item.column.name}: {item.note}" for item in analysis.columns[:5] if item.role == LEFT_OUT
        )
        raise InvalidInput(what, code="no_inputs", where="--data", hint=f"left out were {reasons or 'none'}")


def _example(analysis: TableAnalysis, values: Mapping[str, pl.Series]) -> dict[str, object]:
    """The last row that has a target and is not in the future, as a client would send it."""
    usable = values[analysis.target.name].is_not_null()
    if (time := analysis.first("time")) is not None:
        usable &= (values[time.name] <= now()).fill_null(value=False)
    last = int(usable.arg_true()[-1])
    sent = [*analysis.of_role("time"), *analysis.inputs]
    return {column.field: values[column.name][last] for column in sent}


def _count_future(time: ColumnProfile | None, values: Mapping[str, pl.Series]) -> int:
    return 0 if time is None else int((values[time.name] > now()).sum() or 0)


def _write_notes(analysis: TableAnalysis, values: Mapping[str, pl.Series]) -> tuple[str, ...]:
    notes, time = [], analysis.first("time")
    if analysis.order == "shuffled":
        notes.append("the rows are sorted by the target: they are shuffled")
    elif time is None:
        notes.append("no column has the time of the request: rows are used in the order of the data")
    elif not analysis.first(KNOWN_AT):
        notes.append(
            "no column known_at: before you add a view of outcomes, declare outcome_delay, how late they become known"
        )
    if later := _count_future(time, values):
        notes.append(
            f"{later:,} of {analysis.rows:,} rows are in the future: they play no part until then; if days and months "
            "are mixed up, give the field another format in mlops.toml"
        )
    if rare := [name for name, count in analysis.counts.items() if count < _MIN_ROWS_OF_CLASS]:
        notes.append(f"fewer than {_MIN_ROWS_OF_CLASS} rows are {', '.join(rare)}: too few to learn from")
    if analysis.set_aside:
        notes.append(
            f"{analysis.set_aside:.2%} of the rows lack the target or the time, or hold infinity: they are set aside"
        )
    if renamed := analysis.renamed:
        shown = ", ".join(f'"{column.name}" as {column.field}' for column in renamed[:5])
        notes.append(
            f"renamed, because fields consist of letters, digits and _: {shown}" + (" ..." if renamed[5:] else "")
        )
    return tuple(notes)
