"""Checks of the settings beyond their types: names refer to something, and related keys fit together."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mlops_lab.clock import parse_duration
from mlops_lab.errors import InvalidInput
from mlops_lab.project.ab_section import DECISION
from mlops_lab.project.approval_section import ApprovalSection
from mlops_lab.project.declaration import (
    ASKED_AT,
    FIELD_KINDS,
    LOOP_TABLES,
    RESERVED,
    Declared,
    FieldSection,
    SourceSection,
    TableSection,
    type_of,
)
from mlops_lab.project.keys import did_you_mean
from mlops_lab.project.layers import Layers
from mlops_lab.project.monitors_section import OF_INPUTS, OF_SLICES, WATCHED_DETECTORS, MonitorSection
from mlops_lab.project.readiness_section import RUBRIC_TESTS, ReadinessSection
from mlops_lab.project.secret_references import find_literal_secret
from mlops_lab.project.sections import Settings

_CODE_MODULES = {
    *("builtins", "importlib", "runpy", "sys", "ctypes", "os", "posix", "nt", "subprocess", "shutil", "socket"),
    *("pickle", "joblib", "cloudpickle", "dill"),
}
"""Modules whose types can run code, and so may not be trusted in the file of a model."""
_SERVER = re.compile(r"https?://[^\s@?#/]+[^\s@?#]*")
_WINDOW = re.compile(r"all|auto|(last|half-life) [1-9][0-9]{0,4}d")
ErrorAt = Callable[..., InvalidInput]
"""Makes the error about a key: see `Layers.error_at`."""


def check_references(settings: Settings, layers: Layers) -> None:
    """InvalidInput names the first key that refers to nothing or contradicts another."""
    source, error_at = settings.source, layers.error_at
    _check_zone(settings.project.timezone, error_at)
    for path, fields in _declarations(settings):
        _check_fields(path, fields, error_at)
    _check_source(source, error_at)
    _check_label(source, error_at)
    _check_value(settings, error_at)
    if source.time not in source.request and settings.project.clock == "data":
        what, hint = 'clock = "data" needs a time in the data', "declare source.time, or remove the clock"
        raise error_at(what, ["project", "clock"], hint, related=[["source", "time"]])
    _check_names(source, error_at)
    _check_approval(settings.approval, layers)
    _check_readiness(settings.readiness, layers)
    _check_duration(settings.triggers.tick_every, ["triggers", "tick_every"], error_at)
    window = settings.training.window
    if _WINDOW.fullmatch(window) is None:
        hint = 'write "all", "auto", "last 180d" or "half-life 90d"'
        raise error_at(f'"{window}" is not a choice of rows', ["training", "window"], hint)
    if source.arrives_after is not None:
        _check_duration(source.arrives_after, ["source", "arrives_after"], error_at)
    _check_server(settings.tracking.uri, error_at)
    for name, address in settings.alerts.channels.items():
        if (secret := find_literal_secret(address)) is not None:
            what = f"must not hold a secret: {secret}"
            hint = 'put it into an environment variable, and write its name in its place: "env:NAME" (docs/alerts.md)'
            raise error_at(what, ["alerts", "channels", name], hint)
    for name in settings.model.trusted_types:
        if name.split(".")[0] in _CODE_MODULES:
            hint = "types that load pickles or start programs cannot be trusted: remove it (docs/models.md)"
            raise error_at(f'"{name}" can run any code', ["model", "trusted_types"], hint)
    for name in settings.gates.slices:
        if name not in (known := {**source.request, **source.outcome}):
            hint = did_you_mean(name, known) + "use fields of [source.request]"
            raise error_at(f'"{name}" is not a field', ["gates", "slices"], hint)
    for number, monitor in enumerate(settings.monitors):
        _check_monitor(monitor, number, settings.gates.slices, error_at)
    if sorted(set(steps := settings.rollout.canary_steps)) != steps:
        hint = "write each share once, the smallest first: [0.01, 0.1, 0.5]"
        raise error_at("the shares must rise from step to step", ["rollout", "canary_steps"], hint)
    if source.table in settings.tables:
        what, path = f'table "{source.table}" is declared twice', ["tables", source.table]
        raise error_at(what, path, "rename one of the two", related=[["source", "table"]])
    _check_table_name(source.table, ["source", "table"], error_at)
    for name, table in settings.tables.items():
        _check_table_name(name, ["tables", name], error_at)
        _check_table(name, table, error_at)


def _check_monitor(monitor: MonitorSection, number: int, slices: list[str], error_at: ErrorAt) -> None:
    path = ["monitors", str(number)]
    name = monitor.detector
    if not (name or monitor.feature or monitor.slice):
        hint = f'add detector, feature or slice: detector = "{WATCHED_DETECTORS[0]}"'
        raise error_at("the rule says nothing about what it watches", path, hint)
    if name and name not in WATCHED_DETECTORS:
        hint = did_you_mean(name, WATCHED_DETECTORS) + f"there are: {', '.join(WATCHED_DETECTORS)}"
        raise error_at(f'there is no detector "{name}"', [*path, "detector"], hint)
    if monitor.feature and (monitor.slice or (name and name not in OF_INPUTS)):
        what = "a slice" if monitor.slice else f'"{name}"'
        hint = f"remove feature; detectors of inputs are: {', '.join(OF_INPUTS)}"
        raise error_at(f"{what} is not about a feature", [*path, "feature"], hint)
    if monitor.slice:
        field, is_group, _ = monitor.slice.partition("=")
        if not is_group or field not in slices:
            hint = 'write FIELD=VALUE, such as "origin=EWR", with a FIELD of gates.slices'
            raise error_at(f'"{monitor.slice}" is no slice', [*path, "slice"], hint, related=[["gates", "slices"]])
        if name and name not in OF_SLICES:
            hint = f"remove slice; detectors of slices are: {', '.join(OF_SLICES)}"
            raise error_at(f'"{name}" is not about a slice', [*path, "slice"], hint)


def _check_server(uri: str, error_at: ErrorAt) -> None:
    path = ["tracking", "uri"]
    if "@" in uri:
        hint = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the environment (docs/tracking.md)"
        raise error_at("must not hold a name or a password", path, hint)
    if uri and _SERVER.fullmatch(uri) is None:
        hint = 'write that of an MLflow server: "https://mlflow.example.com"; for SQLite and files leave it out'
        raise error_at("is not the address of a server", path, hint)


def _declarations(settings: Settings) -> Iterator[tuple[list[str], Declared]]:
    yield ["source", "request"], settings.source.request
    yield ["source", "outcome"], settings.source.outcome
    for name, table in settings.tables.items():
        yield ["tables", name, "fields"], table.fields


def _check_zone(zone: str, error_at: ErrorAt) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = 'write an IANA name such as "America/New_York"'
        raise error_at(f'"{zone}" is not a time zone', ["project", "timezone"], hint) from None


def _check_fields(path: list[str], fields: Declared, error_at: ErrorAt) -> None:
    for name, declared in fields.items():
        if name.startswith("_"):
            hint = "rename it: such names are reserved for the loop"
            raise error_at(f'"{name}" begins with an underscore', [*path, name], hint)
        if not name.isidentifier():
            hint = "use letters, digits and `_`, and give the column of the data that name with `rename`"
            raise error_at(f'"{name}" cannot be the name of a field', [*path, name], hint)
        if problem := _problem_of(declared):
            related = [[*path, name, key] for key in FieldSection.__struct_fields__]
            raise error_at(problem[0], [*path, name], problem[1], related=related)


def _check_source(source: SourceSection, error_at: ErrorAt) -> None:
    """The fields with a role are declared, and the time of a request is a datetime."""

    def missing(key: str, name: str, kind: str, fields: Declared) -> InvalidInput:
        hint = did_you_mean(name, fields) + f"list it under [source.{kind}]"
        return error_at(f'"{name}" is not {"a" if kind == "request" else "an"} {kind} field', ["source", key], hint)

    if not source.id.isidentifier():
        hint = "use letters, digits and `_`, and give the column of the data that name with `rename`"
        raise error_at(f'"{source.id}" cannot be the name of a field', ["source", "id"], hint)
    if source.time not in source.request and source.time != ASKED_AT:
        raise missing("time", source.time, "request", source.request)
    if source.key is not None and source.key not in source.request:
        raise missing("key", source.key, "request", source.request)
    if source.label not in source.outcome:
        raise missing("label", source.label, "outcome", source.outcome)
    if source.outcome_delay is not None:
        _check_duration(source.outcome_delay, ["source", "outcome_delay"], error_at)
    if source.time in source.request and (kind := type_of(source.request[source.time])) != "datetime":
        what, related = f'"{source.time}" is a {kind}', [["source", "request", source.time]]
        raise error_at(what, ["source", "time"], "the time of a request must be a datetime", related=related)


def _check_label(source: SourceSection, error_at: ErrorAt) -> None:
    """The label and the weight have types that a model can be trained with."""
    declared, path, related = source.outcome[source.label], ["source", "outcome", source.label], [["source", "label"]]
    kind = type_of(declared)
    if kind not in {"boolean", "string", "integer", "float"}:
        hint = "the label must be a boolean, a string with categories, an integer or a float, and never null"
        raise error_at(f"the label is a {kind}", path, hint, related=related)
    if kind == "string" and (isinstance(declared, str) or len(set(declared.categories or ())) < 2):
        hint = '{ type = "string", categories = ["a", "b"] }'
        raise error_at("a label of type string needs categories, its classes", path, hint, related=related)
    if source.weight is not None:
        kind = type_of({**source.request, **source.outcome}.get(source.weight, "nothing"))
        if kind not in {"integer", "float"}:
            related = [["source", part, source.weight] for part in ("request", "outcome")]
            hint = "use a request or outcome field with numbers"
            raise error_at(f"the weight is {kind}", ["source", "weight"], hint, related=related)


def _check_value(settings: Settings, error_at: ErrorAt) -> None:
    """The value of an answer is declared in one way, that fits the label. Its expression is checked where it is used:
    that takes Polars."""
    ab, source = settings.ab, settings.source
    cases = [name for name, value in ab.value_of_case.items() if value is not None]
    if cases and ab.value is not None:
        hint = f"remove `value`, or {', '.join(f'`{name}`' for name in cases)}"
        raise error_at("the value of an answer is declared twice", ["ab", "value"], hint, related=[["ab", cases[0]]])
    if cases and (kind := type_of(source.outcome[source.label])) != "boolean":
        hint = 'declare `value`, such as "CASE WHEN decision = truth THEN 1 ELSE 0 END", with the label for `truth`'
        raise error_at(f"the label is a {kind}: it is neither true nor false", ["ab", cases[0]], hint)
    if ab.value is not None and DECISION in {**source.request, **source.outcome}:
        section = "request" if DECISION in source.request else "outcome"
        what, hint = f'"{DECISION}" has another meaning in [ab] value', "rename the field, or remove [ab] value"
        raise error_at(what, ["source", section, DECISION], hint, related=[["ab", "value"]])


def _check_names(source: SourceSection, error_at: ErrorAt) -> None:
    """A field is part of the request or of the outcome, and does not have the name of a column of the loop."""
    if shared := set(source.request) & {*source.outcome, source.known_at, source.id}:
        raise error_at(
            f"{sorted(shared)} cannot be in both request and outcome",
            ["source", "request", min(shared)],
            "a field belongs to [source.request] or to [source.outcome]",
            related=[["source", key] for key in ("known_at", "id") if getattr(source, key) in shared],
        )
    lowered: dict[str, str] = {}
    for section, fields in (("request", source.request), ("outcome", source.outcome)):
        for name in fields:
            if (other := lowered.setdefault(name.lower(), name)) != name:
                hint = "tables do not tell them apart: give one another name, and its column in [source.rename]"
                raise error_at(f'"{name}" and "{other}" differ by case only', ["source", section, name], hint)
            if name in RESERVED and name != source.time:
                raise error_at(
                    f'"{name}" is the name of a column that the loop adds',
                    ["source", section, name],
                    f"rename it; these names are reserved: {', '.join(sorted(RESERVED))}",
                    related=[["source", "time"]],
                )


def _check_table_name(name: str, path: list[str], error_at: ErrorAt) -> None:
    """The name of a table is that of its folder, and not that of a table of the loop."""
    if name in LOOP_TABLES:
        hint = f"rename it; these names are taken: {', '.join(sorted(LOOP_TABLES))}"
        raise error_at(f'"{name}" is a table that the loop writes', path, hint)
    if not re.fullmatch(r"[^\W_][\w .-]*", name):
        hint = "write letters, digits, `_`, `-`, `.` and spaces; begin with a letter or a digit"
        raise error_at(f'"{name}" cannot be the name of a table', path, hint)


def _check_table(name: str, table: TableSection, error_at: ErrorAt) -> None:
    path, fields = ["tables", name], table.fields
    for added in ("received_at", "received_as"):
        if added in fields:
            hint = "rename it: when and how a row arrives is added automatically"
            raise error_at(f'"{added}" is the name of a column that the loop adds', [*path, "fields", added], hint)
    for key, column in [*(("key", column) for column in table.key), ("known_at", table.known_at)]:
        if column is not None and column not in fields:
            hint = did_you_mean(column, fields) + f"list it under [tables.{name}.fields]"
            raise error_at(f'"{column}" is not a field of table "{name}"', [*path, key], hint)
    for column in table.key:
        if (kind := type_of(fields[column])) not in {"string", "integer"}:
            hint = "a key consists of strings and integers that are never null"
            related = [[*path, "fields", column]]
            raise error_at(f'key "{column}" is a {kind}', [*path, "key"], hint, related=related)
    if table.known_at is not None and (kind := type_of(fields[table.known_at])).removesuffix("?") != "datetime":
        hint, related = "declare it as a datetime, or leave known_at out", [[*path, "fields", table.known_at]]
        raise error_at(f'known_at "{table.known_at}" is a {kind}', [*path, "known_at"], hint, related=related)
    if table.arrives_after is not None:
        _check_duration(table.arrives_after, [*path, "arrives_after"], error_at)
    if table.fresh_within is not None:
        _check_duration(table.fresh_within, [*path, "fresh_within"], error_at)
    rules = [key for key in ("fresh_within", "min_rows_per_day", "max_rows_per_day") if getattr(table, key)]
    if rules and table.known_at is None:
        hint = "volume and freshness need the time of each row: set known_at"
        raise error_at("has no known_at", path, hint, related=[[*path, key] for key in rules])


def _check_approval(section: ApprovalSection, layers: Layers) -> None:
    error_at = layers.error_at
    override = next((path for path in layers.overrides() if path[0] == "approval"), None)
    if override is not None:  # who could leave it out for one command would need no approval
        raise error_at("can only be set in mlops.toml", list(override), "set it there")
    for step, names in section.approvers.items():
        path = ["approval", "approvers", str(step)]
        if step not in section.steps:
            raise error_at(f'"{step}" needs no approval', path, f'add "{step}" to steps, or remove its approvers')
        if len({*names}) < section.people:
            what = f"{len({*names})} of the {section.people} people that must approve a step"
            raise error_at(
                f"names {what}", path, "name more people, or lower `people`", related=[["approval", "people"]]
            )


def _check_readiness(declared: Sequence[ReadinessSection], layers: Layers) -> None:
    """Each test is declared once, with a name, and in the file: it is kept with the code, and has a history."""
    if any(path[0] == "readiness" for path in layers.overrides()):
        raise layers.error_at("can only be set in mlops.toml", ["readiness"], "set it there")
    for number, item in enumerate(declared):
        path = ["readiness", str(number)]
        if item.test not in RUBRIC_TESTS:
            hint = did_you_mean(item.test, RUBRIC_TESTS) + "`mlops readiness` lists the tests: data.1 to monitoring.7"
            raise layers.error_at(f'there is no test "{item.test}"', [*path, "test"], hint)
        if item.test in [earlier.test for earlier in declared[:number]]:
            hint = "keep the newest; the history of the file has the others"
            raise layers.error_at(f'"{item.test}" is declared twice', [*path, "test"], hint)
        for name, text in (("by", item.by), ("note", item.note)):
            if not text.strip():
                hint = "say who did the test (by), and what came out (note)"
                raise layers.error_at(f'"{item.test}" is declared without a {name}', [*path, name], hint)


def _check_duration(text: str, path: list[str], error_at: ErrorAt) -> None:
    try:
        parse_duration(text)
    except InvalidInput as error:
        raise error_at(error.what, path, error.hint or "") from None


def _problem_of(declared: str | FieldSection) -> tuple[str, str] | None:
    """What is wrong with the declaration of a field, and how to fix it; None if nothing is."""
    kind = type_of(declared).removesuffix("?")
    if kind not in FIELD_KINDS:
        kinds = ", ".join(FIELD_KINDS)
        hint = did_you_mean(kind, FIELD_KINDS) + f"the types are {kinds}; with ?, null is allowed"
        return f'unknown type "{type_of(declared)}"', hint
    if isinstance(declared, str):
        return None
    if declared.format is not None and kind != "datetime":
        return f"a {kind} has no format", 'only a datetime has one: { type = "datetime", format = "%d.%m.%Y" }'
    bounds = [bound for bound in (declared.min, declared.max) if bound is not None]
    if bounds and kind not in {"integer", "float"}:
        return f"a {kind} has neither min nor max", "they are limits of integers and floats"
    if not all(map(math.isfinite, bounds)) or bounds != sorted(bounds):
        return "min and max are not a valid range", "write finite numbers, with min not above max"
    if declared.categories is not None and (kind != "string" or not declared.categories):
        return "categories must list values of a string", 'write categories = ["a", "b"] for a string'
    return None if declared.default is None else _problem_of_default(declared, kind)


def _problem_of_default(declared: FieldSection, kind: str) -> tuple[str, str] | None:
    """What is wrong with the default of a field, and how to fix it; None if nothing is."""
    value = declared.default
    kinds = {"string": (str,), "integer": (int,), "float": (int, float), "boolean": (bool,)}.get(kind, ())
    if declared.type.endswith("?"):
        return "a field that may be null has no default: it is null", "remove the default, or the `?`"
    is_number = isinstance(value, int | float) and math.isfinite(value) and abs(value) < 2**63
    if (
        not isinstance(value, kinds)
        or isinstance(value, bool) != (kind == "boolean")
        or not (is_number or isinstance(value, str))
    ):
        return f"the default {value!r} is no {kind}", "give it the type of the field; a datetime has no default"
    too_small = isinstance(value, int | float) and declared.min is not None and value < declared.min
    too_large = isinstance(value, int | float) and declared.max is not None and value > declared.max
    if too_small or too_large or (declared.categories is not None and value not in declared.categories):
        return f"the default {value!r} is not an allowed value", "give it a value that requests may have too"
    return None
