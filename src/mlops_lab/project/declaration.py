"""The sections about the data: `[source]`, `[tables.NAME]`, their fields, and `[contract]`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from mlops_lab.project.base import Config, PositiveInt, means

ROW_ID, ASKED_AT, KNOWN_AT = "row_id", "asked_at", "known_at"
"""Columns that are added where the data does not have them: see `SourceSection`."""
_RESPONSE_COLUMNS = {"id", "at", "version", "role", "output", "shadow_version", "shadow_output"}
LOOP_TABLES = frozenset(
    {
        "predictions",
        "outcomes",
        "refusals",
        "shadows",
        "quarantine",
        "measurements",
        "alerts",
        "alert_events",
        "alert_deliveries",
        "decisions",
        "log_digests",
        "legal_holds",
        "erasures",
    }
)
"""The names of the tables that the loop writes."""
FIELD_KINDS = ("string", "integer", "float", "boolean", "datetime")
RESERVED = frozenset(
    _RESPONSE_COLUMNS | {"known_at", "received_at", "verdict", "predicted_at", "missing", "received_as"}
)
"""Columns that the loop adds to the fields of requests and outcomes in its tables."""

_TYPES = [f"{kind}{may_be_null}" for kind in FIELD_KINDS for may_be_null in ("", "?")]
Kind = Annotated[str, means("the type; with `?`, null is allowed", suggest=_TYPES)]


class FieldSection(Config, frozen=True, kw_only=True):
    """One field: its type and its allowed values, which are numbers from `min` to `max`, or text from `categories`.

    `format`: how times are written in text files, if not in ISO 8601: "%d.%m.%Y %H:%M". `default`: the value where
    data, a request or a row from before the field was declared does not have it; only for a field that is never null.
    """

    type: Kind
    min: Annotated[float | None, means("the smallest allowed number")] = None
    max: Annotated[float | None, means("the largest allowed number")] = None
    categories: Annotated[list[str] | None, means("the allowed texts")] = None
    format: Annotated[
        str | None, means('how times are written in text files, if not in ISO 8601: `"%d.%m.%Y %H:%M"`')
    ] = None
    default: Annotated[
        str | int | float | bool | None,
        means("the value where data, requests or rows from before do not have the field; for one that is never null"),
    ] = None


Declared = dict[str, Kind | FieldSection]


def type_of(declared: str | FieldSection) -> str:
    """The type of a field as written in `mlops.toml`."""
    return declared if isinstance(declared, str) else declared.type


class ReadingSection(Config, frozen=True, kw_only=True):
    """How the files of a table are written, where their content does not say so: see `lake.read_options`."""

    encoding: Annotated[
        str | None,
        means(
            "the encoding of text files that are not UTF-8, such as `cp1251` or `gbk`; none: it is guessed, and told"
        ),
    ] = None
    names: Annotated[
        list[str],
        means("the names of the columns, for text files whose first line is a row already"),
    ] = msgspec.field(default_factory=list)
    decimal: Annotated[
        Literal[".", ","] | None,
        means(
            "the character before the decimals of numbers in text files; the other one, or a space, then separates "
            "thousands; none: it is a point, and thousands are not separated"
        ),
    ] = None
    na: Annotated[
        list[str],
        means("more marks of missing values; these count in columns of text too"),
    ] = msgspec.field(default_factory=list)
    sheet: Annotated[str | None, means("the sheet of a workbook; none: the only one")] = None


class SourceSection(ReadingSection, frozen=True, kw_only=True):
    """`[source]`: past requests and their outcomes, one row for each request.

    `data` is a file, a folder of files, a Delta table, the address of a file, or that of a database, whose rows `query`
    selects. `rename` gives columns of the data new names, and columns in `skip` are not read.

    Field types: see `contracts.fields`. `label` is the outcome field to predict. Its type determines the kind of task:
    see `Project.task`.

    `key` is the request field that identifies the client: during a rollout the same key always gets the same version.
    `weight` is the field with the weight of each row in training.

    Some columns are optional. Without a column `id`, a row is identified by its position in the file. Without a request
    field `time`, the time of a request is that of its arrival, and the rows of the data are taken in the order of the
    file, or, with `order = "shuffled"`, in random order, for a file that is sorted by the label. Without a column
    `known_at`, an outcome was known at the time of its request; views of outcomes see it in training only after
    `outcome_delay`.
    """

    table: Annotated[str, means("the name of the table in the lake")]
    data: Annotated[
        str,
        means(
            "a file, a folder of files or a Delta table, relative to the project; or the address of a file "
            "(`https://`, `s3://`) or of a database",
        ),
    ]
    query: Annotated[
        str | None,
        means("if `data` is the address of a database: the `SELECT` that returns the rows"),
    ] = None
    rename: Annotated[
        dict[str, str],
        means("new names for columns of the data: a table from column to field"),
    ] = msgspec.field(default_factory=dict)
    skip: Annotated[list[str], means("columns of the data that are not read")] = msgspec.field(default_factory=list)
    id: Annotated[
        str,
        means(
            "the column that identifies a row; without a column `row_id` in the data, its position in the file does",
        ),
    ] = ROW_ID
    time: Annotated[
        str,
        means(
            "the request field with the time of the request; if no field `asked_at` is declared, it is the time of "
            "arrival",
        ),
    ] = ASKED_AT
    known_at: Annotated[
        str,
        means(
            "the column with the time at which the outcome became known; without a column `known_at` in the data, it "
            "is the time of the request",
        ),
    ] = KNOWN_AT
    outcome_delay: Annotated[
        str | None,
        means(
            'how long after its request an outcome became known, such as `"3h"`, for data without a column `known_at`; '
            "none: the median of the outcomes that arrived, once there are 50. Training uses it for views of outcomes",
        ),
    ] = None
    label: Annotated[
        str,
        means(
            "the outcome field to predict: a `boolean` (binary), a `string` with categories (multiclass), an "
            "`integer` or `float` (regression)",
        ),
    ]
    key: Annotated[
        str | None,
        means(
            "the request field that identifies the client: during a rollout the same key always gets the same version",
        ),
    ] = None
    weight: Annotated[str | None, means("the field with the weight of each row in training")] = None
    order: Annotated[
        Literal["arrival", "shuffled"],
        means(
            "the order of rows without a time: that of the file, or "
            '(`"shuffled"`) a random one, for a file sorted by its label',
        ),
    ] = "arrival"
    arrives_after: Annotated[
        str | None,
        means(
            'how long after it became known a row would have been received, such as `"2h"`: training counts rows of '
            "files as received then; none: as long as rows that are sent one by one take",
        ),
    ] = None
    on_change: Annotated[
        Literal["refuse", "correct", "ignore"],
        means(
            "what to do where rows of the data have other values than those loaded before, or are gone: `refuse` until "
            "`mlops run --accept-changes`, `correct` (the new values count from now on, and what is gone does not), or "
            "`ignore` it",
        ),
    ] = "refuse"
    request: Annotated[Declared, means("a table of request fields and their types")]
    outcome: Annotated[Declared, means("a table of outcome fields and their types")]
    outcome_within_days: Annotated[
        PositiveInt,
        means(
            "how long after its request the server accepts an outcome, and repeats a response for the same id. Later "
            "ones are told apart: an outcome is `too_late`, and an id that was used is refused (`answered_long_ago`), "
            "for ever",
        ),
    ] = 7


class TableSection(ReadingSection, frozen=True, kw_only=True):
    """`[tables.NAME]`: facts from other sources. A row is identified by `key` (and `known_at`, if there is one).

    Rules for the whole table: the number of rows per day in the project's time zone, the age of its newest row
    (`fresh_within`, "6h"), and with `monotone` that rows come in the order in which they became known.
    """

    data: Annotated[
        str,
        means(
            "the initial rows: a file, a folder, a Delta table, or the address of a file (`https://`, `s3://`) or of a "
            "database"
        ),
    ]
    query: Annotated[
        str | None,
        means("if `data` is the address of a database: the `SELECT` that returns the rows"),
    ] = None
    rename: Annotated[
        dict[str, str],
        means("new names for columns of the data: a table from column to field"),
    ] = msgspec.field(default_factory=dict)
    skip: Annotated[list[str], means("columns of the data that are not read")] = msgspec.field(default_factory=list)
    key: Annotated[list[str], means("the columns that, with `known_at`, identify a row (strings or integers)")]
    known_at: Annotated[
        str | None,
        means("the column with the time at which a row became known; none: always known"),
    ] = None
    arrives_after: Annotated[
        str | None,
        means(
            'how long after it became known a row would have been received, such as `"2h"`: training counts rows of '
            "files as received then; none: as long as rows that are sent one by one take",
        ),
    ] = None
    on_change: Annotated[
        Literal["refuse", "correct", "ignore"],
        means(
            "what to do where rows of the data have other values than those loaded before, or are gone: `refuse` until "
            "`mlops run --accept-changes`, `correct` (the new values count from now on, and what is gone does not), or "
            "`ignore` it",
        ),
    ] = "refuse"
    fields: Annotated[Declared, means("a table of columns and their types")]
    min_rows_per_day: Annotated[
        PositiveInt | None,
        means("the fewest rows of a whole day (in the project's time zone); `mlops contract check` checks it"),
    ] = None
    max_rows_per_day: Annotated[PositiveInt | None, means("the most rows of a whole day")] = None
    fresh_within: Annotated[
        str | None,
        means('the greatest age of the newest row, such as `"6h"`; `mlops contract check` checks it'),
    ] = None
    monotone: Annotated[
        bool, means("whether rows must come in the order in which they became known; others are set aside")
    ] = False


class ContractSection(Config, frozen=True, kw_only=True):
    """`[contract]`: rows that break it are set aside; if too many rows of a file do, it is not loaded."""

    max_quarantined_share: Annotated[
        float,
        means("the share of a file's rows that may be set aside; if there are more, nothing is loaded", ge=0, le=1),
    ] = 0.01
