"""The tables of the loop. Each stands here once; docs/tables.md is made from it."""

from __future__ import annotations

import polars as pl

from mlops_lab.tables.fields import outcome_fields, request_fields
from mlops_lab.tables.table import MOMENT, Column, ProjectColumns, Table

_TEXT, _WHOLE, _NUMBER = pl.String(), pl.Int64(), pl.Float64()
_REQUEST = ProjectColumns("the request's fields", request_fields)
_JOURNAL_ONCE = "the position in the journal of the worker that wrote the record"
_TICK_ONCE = "the end of the day that was measured"

PREDICTIONS = Table(
    name="predictions",
    meaning="Each answered request, with the features that the model saw.",
    time="at",
    written_by="intake, from the journal",
    once=_JOURNAL_ONCE,
    columns=(
        Column("id", _TEXT, "the client's id of the request, or one that was made for it"),
        Column("at", MOMENT, "the request's own time"),
        Column("version", _WHOLE, "the version that answered"),
        Column("role", _TEXT, "`champion`, `canary`, or `arm` of an A/B test"),
        Column("output", None, "the answer: a probability, the probability of each class, or a number"),
        Column("shadow_version", _WHOLE, "the version that was scored on the same request and answered nobody"),
        Column("missing", _TEXT, "JSON: the views that knew nothing of the request, and why"),
        _REQUEST,
        ProjectColumns("the values of views and derived features", None),
    ),
)
OUTCOMES = Table(
    name="outcomes",
    meaning="Each outcome that was submitted, the verdict on it, and the prediction that it belongs to.",
    time="known_at",
    written_by="intake, from the journal",
    once=_JOURNAL_ONCE,
    columns=(
        Column("id", _TEXT, "the id of the prediction"),
        Column("known_at", MOMENT, "when the outcome became known"),
        Column("received_at", MOMENT, "when it reached the server, where that was later"),
        Column("verdict", _TEXT, "`accepted`, `conflict` or `unknown`"),
        Column("predicted_at", MOMENT, "the time of the prediction"),
        ProjectColumns("the outcome's fields", outcome_fields),
        Column("version", _WHOLE, "the version that answered"),
        Column("role", _TEXT, "its role"),
        Column("output", None, "the answer"),
        Column("shadow_version", _WHOLE, "the version in shadow"),
        Column("shadow_output", None, "what it would have answered"),
        _REQUEST,
    ),
)
REFUSALS = Table(
    name="refusals",
    meaning="Each request that got no answer, and why.",
    time="at",
    written_by="intake, from the journal",
    once=_JOURNAL_ONCE,
    columns=(
        Column("id", _TEXT, "the id of the request"),
        Column("at", MOMENT, "the request's own time"),
        Column("version", _WHOLE, "the version that was asked"),
        Column("view", _TEXT, "the view that refused; empty where the model had no answer"),
        Column("reason", _TEXT, "why"),
        _REQUEST,
    ),
)
SHADOWS = Table(
    name="shadows",
    meaning="What a version in shadow would have answered.",
    time="at",
    written_by="intake, from the journal",
    once=_JOURNAL_ONCE,
    columns=(
        Column("id", _TEXT, "the id of the prediction"),
        Column("at", MOMENT, "the request's own time"),
        Column("version", _WHOLE, "the version in shadow"),
        Column("output", None, "what it would have answered"),
    ),
)
QUARANTINE = Table(
    name="quarantine",
    meaning="Rows that broke the contract, and those of them that were brought in later.",
    time="at",
    written_by="intake, from data files and from the journal",
    once="the id, a hash of table and row; from the journal also the position in it",
    columns=(
        Column("id", _TEXT, "a hash of table and row"),
        Column("at", MOMENT, "when it was set aside, or released"),
        Column("table", _TEXT, "the table that it was meant for"),
        Column("rule", _TEXT, "the rule that it broke"),
        Column("column", _TEXT, "the column that the rule is about"),
        Column("reason", _TEXT, "the rule in words"),
        Column("row", _TEXT, "the row as JSON"),
        Column("event", _TEXT, "`set_aside` or `released`"),
    ),
)
MEASUREMENTS = Table(
    name="measurements",
    meaning="Quality, calibration, volume, drift, nulls and parity of each day.",
    time="at",
    written_by="the loop, when a day is over",
    once=_TICK_ONCE,
    columns=(
        Column("at", MOMENT, "the end of the window"),
        Column("window_hours", _NUMBER, "the length of the window"),
        Column("monitor", _TEXT, "what was measured: `quality`, `calibration`, `volume`, `drift`, `nulls` or `parity`"),
        Column("name", _TEXT, "the measure, the feature or the class"),
        Column("version", _WHOLE, "the champion"),
        Column("value", _NUMBER, "the value"),
    ),
)
ALERTS = Table(
    name="alerts",
    meaning="What somebody should look at.",
    time="at",
    written_by="the loop, when a day is over",
    once=_TICK_ONCE,
    columns=(
        Column("at", MOMENT, "when the rule fired"),
        Column("rule", _TEXT, "the rule"),
        Column("what", _TEXT, "what it saw"),
        Column("where", _TEXT, "where"),
        Column("hint", _TEXT, "what to do about it"),
    ),
)
DECISIONS = Table(
    name="decisions",
    meaning="Every decision ever made. Which version is live is derived from it.",
    time="at",
    written_by="the loop, and commands of an operator",
    once="the decision's number: the one after those that the writer knew",
    columns=(
        Column("number", _WHOLE, "1, 2, 3 …"),
        Column("at", MOMENT, "when"),
        Column(
            "what",
            _TEXT,
            "the kind: `retrain`, `refuse`, `bootstrap`, `shadow`, `canary`, `promote`, `roll_back`, `split`",
        ),
        Column("version", _WHOLE, "about which version; null where none was registered"),
        Column("rule", _TEXT, "by which rule"),
        Column("reason", _TEXT, "why, in words"),
        Column("evidence", _TEXT, "JSON: the figures behind it"),
        Column("by", _TEXT, "who decided"),
    ),
)
TABLES = (PREDICTIONS, OUTCOMES, REFUSALS, SHADOWS, QUARANTINE, MEASUREMENTS, ALERTS, DECISIONS)
