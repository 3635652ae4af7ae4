"""The tables that MLOps Lab writes, each declared once. docs/tables.md is made from these declarations."""

from __future__ import annotations

import polars as pl

from mlops_lab.tables.fields import outcome_fields, request_fields
from mlops_lab.tables.table import MOMENT, FixedColumn, ProjectColumns, Table

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
        FixedColumn("id", _TEXT, "the client's id of the request, or one that was made for it"),
        FixedColumn("at", MOMENT, "as of when it was answered: the request's own time, unless that was ahead"),
        FixedColumn("version", _WHOLE, "the version that answered"),
        FixedColumn("role", _TEXT, "`champion`, `canary`, or `arm` of an A/B test"),
        FixedColumn("output", None, "the answer: a probability, the probability of each class, or a number"),
        FixedColumn(
            "shadow_version",
            _WHOLE,
            "the version in shadow: it was scored on the same request, and its answer was not used",
        ),
        FixedColumn("missing", _TEXT, "JSON: the views that had no values for the request, and why"),
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
        FixedColumn("id", _TEXT, "the id of the prediction"),
        FixedColumn("known_at", MOMENT, "when the outcome became known"),
        FixedColumn("received_at", MOMENT, "when it reached the server, where that was later"),
        FixedColumn(
            "verdict",
            _TEXT,
            "`accepted`; `corrected`: it counts instead of the one before from when it was received; `conflict`, "
            "`unknown`, `too_late`; where several machines share the lake, a row with another verdict follows an "
            "`unknown` one once the prediction is there (`too_early`: it was known before it)",
        ),
        FixedColumn("predicted_at", MOMENT, "the time of the prediction"),
        ProjectColumns("the outcome's fields", outcome_fields),
        FixedColumn("version", _WHOLE, "the version that answered"),
        FixedColumn("role", _TEXT, "the role of that version"),
        FixedColumn("output", None, "the answer"),
        FixedColumn("shadow_version", _WHOLE, "the version in shadow"),
        FixedColumn("shadow_output", None, "what it would have answered"),
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
        FixedColumn("id", _TEXT, "the id of the request"),
        FixedColumn("at", MOMENT, "as of when it was answered: the request's own time, unless that was ahead"),
        FixedColumn("version", _WHOLE, "the version that should have answered"),
        FixedColumn("view", _TEXT, "the view that had no values; empty where the model gave no valid answer"),
        FixedColumn("reason", _TEXT, "the reason in words"),
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
        FixedColumn("id", _TEXT, "the id of the prediction"),
        FixedColumn("at", MOMENT, "as of when it was answered: the request's own time, unless that was ahead"),
        FixedColumn("version", _WHOLE, "the version in shadow"),
        FixedColumn("output", None, "what it would have answered"),
    ),
)
QUARANTINE = Table(
    name="quarantine",
    meaning="Rows that broke the contract, and those of them that were released into their tables later.",
    time="at",
    written_by="intake, from data files and from the journal",
    once="the id, a hash of table and row; from the journal also the position in it",
    columns=(
        FixedColumn("id", _TEXT, "a hash of table and row"),
        FixedColumn("at", MOMENT, "when it was set aside, or released"),
        FixedColumn("table", _TEXT, "the table that it was meant for"),
        FixedColumn("rule", _TEXT, "the rule that it broke"),
        FixedColumn("column", _TEXT, "the column that the rule is about"),
        FixedColumn("reason", _TEXT, "the rule in words"),
        FixedColumn("row", _TEXT, "the row as JSON"),
        FixedColumn("event", _TEXT, "`set_aside` or `released`"),
        FixedColumn("by", _TEXT, "who released it; null where it was set aside, or before November 2026"),
        FixedColumn("why", _TEXT, "the reason that they gave, if any"),
    ),
)
LOG_DIGESTS = Table(
    name="log_digests",
    meaning="What was added to `predictions` and `outcomes`, in digests: whether these tables still hold just that.",
    time="hour",
    written_by="intake, before it adds the rows; once for the rows that are older than this table",
    once=_JOURNAL_ONCE,
    columns=(
        FixedColumn("hour", MOMENT, "the hour in which the time of the rows lies"),
        FixedColumn("table", _TEXT, "the table that the rows were added to"),
        FixedColumn("writer", _TEXT, "the journal that they came from; `before` for rows older than this table"),
        FixedColumn("first", _WHOLE, "the position in the journal after which the added range begins"),
        FixedColumn("last", _WHOLE, "the position at which it ends"),
        FixedColumn("column", _TEXT, "the column; `id` counts the rows"),
        FixedColumn("values", _WHOLE, "how many values it got"),
        FixedColumn("digest", _WHOLE, "the sum of their hashes, modulo 2^64"),
    ),
)
MEASUREMENTS = Table(
    name="measurements",
    meaning="What was measured of each day: answers, outcomes, inputs, parity; days that could not be measured.",
    time="at",
    written_by="the loop, when a day is over",
    once=_TICK_ONCE,
    columns=(
        FixedColumn("at", MOMENT, "the end of the window"),
        FixedColumn("window_hours", _NUMBER, "the length of the window"),
        FixedColumn(
            "monitor",
            _TEXT,
            "what was measured. Of answers and outcomes: `quality`, `excess_loss` (above what the answers' own "
            "probabilities expect), `skill` (gain over the best constant answer of the day), `calibration`, "
            "`slice_excess_loss`, `slice_skill` and `slice_rmse` (of groups of `gates.slices`), "
            "`estimate` (what answers expect of themselves, before outcomes) and "
            "`estimate_error` (less the truth, once it is known), `volume`, "
            "`prediction` (how answers "
            "were spread), `freshness`, `outcome_lag`. Of each input, beside training: `drift` (PSI), `nulls`, "
            "`unseen` (texts that were not in training), `kolmogorov_smirnov`, `jensen_shannon`, `wasserstein`, "
            "`shift` (the same in standard deviations), `new_values` (numbers that were not in training), "
            "`chi_squared`; of all together: `joint_drift`. Of what happened beside answers: `contract_breaches` "
            "(shares of requests rejected and of rows refused, numbers of rows set aside), `deliveries` (rows sent to "
            "each table, without outcomes of requests), `server_errors` and "
            "`latency` of requests for predictions, `ab_test` (logarithms of e-values). In the unit of `[ab]`: "
            "`business_value`. Also `parity`, and `evidence` (what a challenger gained); "
            "`unmeasured`: what could not be",
        ),
        FixedColumn("name", _TEXT, "the measure, the feature or the class; the reason, where it was not measured"),
        FixedColumn(
            "version",
            _WHOLE,
            "the version that answered; where `role` is null, the champion, or the version beside whose training data "
            "drift is watched until there are enough days of the champion",
        ),
        FixedColumn("value", _NUMBER, "the value"),
        FixedColumn(
            "role",
            _TEXT,
            "the role in which the version answered: `champion`, `canary` or `arm`; null where the row is not about "
            "answers and their outcomes, and in rows of older releases, which counted all answers for the champion",
        ),
        FixedColumn(
            "as_of",
            MOMENT,
            "what was known then was measured: `at`, or later for a day of which outcomes were corrected; null in rows "
            "of older releases",
        ),
    ),
)
ALERTS = Table(
    name="alerts",
    meaning="What somebody should look at.",
    time="at",
    written_by="the loop, when a day is over",
    once=_TICK_ONCE,
    columns=(
        FixedColumn("at", MOMENT, "the end of the day that the rule looked at"),
        FixedColumn("rule", _TEXT, "the rule"),
        FixedColumn("what", _TEXT, "what is wrong"),
        FixedColumn("where", _TEXT, "where it was seen"),
        FixedColumn("hint", _TEXT, "what to do about it"),
        FixedColumn(
            "about",
            _TEXT,
            "what it is about, the same from day to day: rows of one rule about the same are one alert; empty, or null "
            "as in rows of older releases: `where`",
        ),
    ),
)
ALERT_EVENTS = Table(
    name="alert_events",
    meaning="What was done about alerts. Their states follow from it and from `alerts`.",
    time="at",
    written_by="`mlops alerts`, and the loop where an alert ended by itself",
    once="nothing: the same event twice leaves the same state",
    columns=(
        FixedColumn("number", _WHOLE, "the order of rows of one moment"),
        FixedColumn("at", MOMENT, "when"),
        FixedColumn("event", _TEXT, "`acknowledged`, `resolved`, or `silenced`"),
        FixedColumn("alert", _TEXT, "the id of the alert; null where all alerts of a rule are silenced"),
        FixedColumn("rule", _TEXT, "the rule that is silenced; null otherwise"),
        FixedColumn("about", _TEXT, "what the silenced alerts are about; null: whatever they are about"),
        FixedColumn("until", MOMENT, "when the silence ends; null otherwise"),
        FixedColumn("by", _TEXT, "who did it"),
        FixedColumn("reason", _TEXT, "the reason in words"),
    ),
)
ALERT_DELIVERIES = Table(
    name="alert_deliveries",
    meaning="Each attempt to send an alert through a channel, and what happened.",
    time="at",
    written_by="the loop at the end of a tick, after the attempt; `mlops alerts test`",
    once="nothing: a tick that is killed after an attempt makes it again",
    columns=(
        FixedColumn("number", _WHOLE, "the order of rows of one moment"),
        FixedColumn("at", MOMENT, "when"),
        FixedColumn("channel", _TEXT, "the name of the channel"),
        FixedColumn("alert", _TEXT, "the id of the alert; null for the message of `mlops alerts test`"),
        FixedColumn("attempt", _WHOLE, "the number of the attempt, from 1"),
        FixedColumn("result", _TEXT, "`sent`, `failed`, or `timed_out`"),
        FixedColumn("reason", _TEXT, "why it was not sent; empty where it was"),
        FixedColumn("seconds", _NUMBER, "how long it took"),
    ),
)
DECISIONS = Table(
    name="decisions",
    meaning="Every decision ever made. Which version is live follows from them.",
    time="at",
    written_by="the loop, and commands of an operator",
    once="the decision's number: the one after those that the writer knew",
    columns=(
        FixedColumn("number", _WHOLE, "its position among all decisions, from 1"),
        FixedColumn("at", MOMENT, "when it was made"),
        FixedColumn(
            "what",
            _TEXT,
            "the kind: `retrain`, `refuse`, `bootstrap`, `shadow`, `supersede`, `canary`, `promote`, `confirm`, "
            "`roll_back`, `expire`, `pause`, `resume`, `split`, `ab_start`, `ab_stop`, `ask_approval`, `approve`, "
            "`reject`, `clock`; older releases wrote `shadow` for `supersede` and `roll_back` for `expire`",
        ),
        FixedColumn("version", _WHOLE, "the version that it is about; null where none was registered"),
        FixedColumn("rule", _TEXT, "the rule that led to it; `asked` where a person did"),
        FixedColumn("reason", _TEXT, "the reason in words"),
        FixedColumn("evidence", _TEXT, "JSON: the figures behind it"),
        FixedColumn("by", _TEXT, "who decided: the loop, a user of the machine, or `token:NAME`"),
        FixedColumn("user", _TEXT, "the user of the machine whose process wrote it; null in older releases"),
        FixedColumn("hash", _TEXT, "SHA-256 of this row and of the hash before; null in older releases"),
    ),
)
LEGAL_HOLDS = Table(
    name="legal_holds",
    meaning="Table versions that must not be deleted or changed, for reasons outside of the project.",
    time="at",
    written_by="`mlops hold`",
    once="the number of the event: the one after those that the writer knew",
    columns=(
        FixedColumn("number", _WHOLE, "the order of the events"),
        FixedColumn("at", MOMENT, "when"),
        FixedColumn("event", _TEXT, "`hold`, or `release`"),
        FixedColumn("hold", _TEXT, "the id of the hold"),
        FixedColumn("table", _TEXT, "the table"),
        FixedColumn("version", _WHOLE, "the version of the table"),
        FixedColumn("by", _TEXT, "who did it"),
        FixedColumn("reason", _TEXT, "the reason in words"),
    ),
)
ERASURES = Table(
    name="erasures",
    meaning="Each time that somebody's rows were erased: how many there were, never what they held.",
    time="at",
    written_by="`mlops forget`; the loop, when the last copies are gone",
    once="the number of the event: the one after those that the writer knew",
    columns=(
        FixedColumn("number", _WHOLE, "the order of the events"),
        FixedColumn("at", MOMENT, "when"),
        FixedColumn("erasure", _TEXT, "the id of the erasure"),
        FixedColumn(
            "event",
            _TEXT,
            "`begun`; `erased`: nothing that is in use holds the rows any more; `finished`: no kept copy does",
        ),
        FixedColumn("person", _TEXT, "a hash of the key with a secret of the project: it tells only that two are one"),
        FixedColumn("by", _TEXT, "who asked for it"),
        FixedColumn("due", MOMENT, "when kept copies of files are deleted; null while it is under way"),
        FixedColumn("rows", _TEXT, "JSON: how many rows of each table were erased; of its old versions together"),
        FixedColumn("versions", _TEXT, "JSON: the model versions that had learned from the rows"),
    ),
)
TABLES = (
    *(PREDICTIONS, OUTCOMES, REFUSALS, SHADOWS, QUARANTINE, LOG_DIGESTS),
    *(MEASUREMENTS, ALERTS, ALERT_EVENTS, ALERT_DELIVERIES, DECISIONS),
    *(LEGAL_HOLDS, ERASURES),
)
