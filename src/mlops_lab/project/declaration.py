"""What the data are: `[source]`, `[tables.NAME]`, their fields, and `[contract]`."""

from __future__ import annotations

from typing import Annotated, Literal

from mlops_lab.project.base import Config, PositiveInt, means

ROW_ID, ASKED_AT, KNOWN_AT = "row_id", "asked_at", "known_at"
"""The columns that are made where the data has none: see `SourceSection`."""
_ANSWER = {"id", "at", "version", "role", "output", "shadow_version", "shadow_output"}
FIELD_KINDS = ("string", "integer", "float", "boolean", "datetime")
RESERVED = frozenset(_ANSWER | {"known_at", "received_at", "verdict", "predicted_at", "missing"})
"""Columns of the loop's own tables, which stand beside the fields of requests and outcomes."""

_TYPES = [f"{kind}{may_be_null}" for kind in FIELD_KINDS for may_be_null in ("", "?")]
Kind = Annotated[str, means("the type; with `?`, null is allowed", suggest=_TYPES)]


class FieldSection(Config, frozen=True, kw_only=True):
    """One field with what its values may be, beside its type: numbers from `min` to `max`, or text of `categories`."""

    type: Kind
    min: Annotated[float | None, means("the least that a number may be")] = None
    max: Annotated[float | None, means("the most")] = None
    categories: Annotated[list[str] | None, means("all that a text may be")] = None


Declared = dict[str, Kind | FieldSection]


def type_of(declared: str | FieldSection) -> str:
    """The type of a field as it is written."""
    return declared if isinstance(declared, str) else declared.type


class SourceSection(Config, frozen=True, kw_only=True):
    """`[source]`: the past, one row a request and how it ended.

    Field types: see `contracts.fields`. `label` names the outcome field to predict. Its type says what kind of task it
    is: see `Project.task`.

    `key` names the request field that tells who asks: within a rollout the same key always meets the same version.
    `weight` names the field that says how much a row counts in training.

    Data need not say everything. Without a column named by `id`, rows are told apart by their place in the file.
    Without a request field named by `time`, a request's moment is that of its arrival, and the rows of the data came
    in the order of the file, or, with `order = "shuffled"`, in one drawn at random: for a file that is sorted by what
    is to be predicted. Without a column named by `known_at`, an outcome was known at once.
    """

    table: Annotated[str, means("the name of the table in the lake")]
    data: Annotated[str, means("a CSV, Parquet or JSON lines file, relative to the project")]
    id: Annotated[
        str,
        means(
            "the column that tells rows apart; where the data has no `row_id`, a row's place in the file does",
        ),
    ] = ROW_ID
    time: Annotated[
        str,
        means(
            "the request field that holds the moment of the request; where no field `asked_at` is declared, it is the "
            "moment of arrival",
        ),
    ] = ASKED_AT
    known_at: Annotated[
        str,
        means(
            "the column that holds the moment at which the outcome was known; where the data has no `known_at`, that "
            "is the moment of the request",
        ),
    ] = KNOWN_AT
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
            "the request field that names who asks: within a rollout the same key always meets the same version",
        ),
    ] = None
    weight: Annotated[str | None, means("the field that says how much a row counts in training")] = None
    order: Annotated[
        Literal["arrival", "shuffled"],
        means(
            'without a time: rows came in the order of the file, or (`"shuffled"`) in one drawn at random, for a file '
            "sorted by its label",
        ),
    ] = "arrival"
    request: Annotated[Declared, means("a table of request fields and their types")]
    outcome: Annotated[Declared, means("a table of outcome fields and their types")]
    outcome_within_days: Annotated[
        PositiveInt,
        means(
            "how long after its request the server still expects an outcome, and repeats an answer to the same id",
        ),
    ] = 7


class TableSection(Config, frozen=True, kw_only=True):
    """`[tables.NAME]`: facts from elsewhere. Rows are told apart by `key` (and `known_at`, where there is one).

    What the whole table must keep: so many rows a day of the project's zone, a newest row known not longer than
    `fresh_within` ("6h") ago, and with `monotone` rows that come in the order in which they became known.
    """

    data: Annotated[str, means("the file to start from")]
    key: Annotated[list[str], means("the columns that, with `known_at`, tell rows apart (strings or integers)")]
    known_at: Annotated[
        str | None,
        means("the column that holds the moment at which a row was known; none: always known"),
    ] = None
    fields: Annotated[Declared, means("a table of columns and their types")]
    min_rows_per_day: Annotated[
        PositiveInt | None,
        means("the fewest rows of a whole day (of the project's zone); `mlops contract check`"),
    ] = None
    max_rows_per_day: Annotated[PositiveInt | None, means("the most rows of a whole day")] = None
    fresh_within: Annotated[
        str | None,
        means('how long ago the newest row may have been known, such as `"6h"`; `mlops contract check`'),
    ] = None
    monotone: Annotated[
        bool, means("rows come in the order in which they became known: one that does not is set aside")
    ] = False


class ContractSection(Config, frozen=True, kw_only=True):
    """`[contract]`: rows that break it are set aside; a file of which more than this share does is not loaded."""

    max_quarantined_share: Annotated[
        float,
        means("the share of a file's rows that may be set aside; beyond it nothing is loaded", ge=0, le=1),
    ] = 0.01
