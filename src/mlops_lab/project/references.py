"""What types cannot say: that names lead somewhere, and that what belongs together fits together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mlops_lab.clock import parse_duration
from mlops_lab.errors import InvalidInput
from mlops_lab.project.declaration import (
    ASKED_AT,
    FIELD_KINDS,
    RESERVED,
    Declared,
    FieldSection,
    SourceSection,
    TableSection,
    type_of,
)
from mlops_lab.project.keys import suggest
from mlops_lab.project.layers import Layers
from mlops_lab.project.sections import Settings

_RUN_CODE = {
    *("builtins", "importlib", "runpy", "sys", "ctypes", "os", "posix", "nt", "subprocess", "shutil", "socket"),
    *("pickle", "joblib", "cloudpickle", "dill"),
}
"""Modules of which nothing may be trusted in a model's file."""
Fail = Callable[..., InvalidInput]
"""Makes the error of something wrong at a key: see `Layers.fault`."""


def check_references(settings: Settings, layers: Layers) -> None:
    """InvalidInput names the first key that leads nowhere or contradicts another."""
    source, fail = settings.source, layers.fault
    _check_zone(settings.project.timezone, fail)
    for path, fields in _declared(settings):
        _check_fields(path, fields, fail)
    _check_source(source, fail)
    _check_label(source, fail)
    if source.time not in source.request and settings.project.clock == "data":
        what, hint = 'clock = "data" needs moments in the data', "declare the time, or leave it out"
        raise fail(what, ["project", "clock"], hint, beside=[["source", "time"]])
    _check_names(source, fail)
    _check_duration(settings.triggers.tick_every, ["triggers", "tick_every"], fail)
    for name in settings.model.trusted_types:
        if name.split(".")[0] in _RUN_CODE:
            hint = "a pickle, or what starts programs, cannot be trusted: leave it out (docs/models.md)"
            raise fail(f'"{name}" can run any code', ["model", "trusted_types"], hint)
    for name in settings.gates.slices:
        if name not in (known := {**source.request, **source.outcome}):
            hint = suggest(name, known) + "name fields of [source.request]"
            raise fail(f'"{name}" is not a field', ["gates", "slices"], hint)
    if source.table in settings.tables:
        what, path = f'table "{source.table}" is declared twice', ["tables", source.table]
        raise fail(what, path, "rename one of the two", beside=[["source", "table"]])
    for name, table in settings.tables.items():
        _check_table(name, table, fail)


def _declared(settings: Settings) -> Iterator[tuple[list[str], Declared]]:
    yield ["source", "request"], settings.source.request
    yield ["source", "outcome"], settings.source.outcome
    for name, table in settings.tables.items():
        yield ["tables", name, "fields"], table.fields


def _check_zone(zone: str, fail: Fail) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = 'write an IANA name such as "America/New_York"'
        raise fail(f'"{zone}" is not a time zone', ["project", "timezone"], hint) from None


def _check_fields(path: list[str], fields: Declared, fail: Fail) -> None:
    for name, declared in fields.items():
        if name.startswith("_"):
            hint = "rename it: those are the loop's own"
            raise fail(f'"{name}" begins with an underscore', [*path, name], hint)
        if fault := _fault_of(declared):
            beside = [[*path, name, key] for key in FieldSection.__struct_fields__]
            raise fail(fault[0], [*path, name], fault[1], beside=beside)


def _check_source(source: SourceSection, fail: Fail) -> None:
    """The fields that have a part in the loop are declared, and the moment of a request is one."""

    def missing(key: str, name: str, kind: str, fields: Declared) -> InvalidInput:
        hint = suggest(name, fields) + f"list it under [source.{kind}]"
        return fail(f'"{name}" is not {"a" if kind == "request" else "an"} {kind} field', ["source", key], hint)

    if source.time not in source.request and source.time != ASKED_AT:
        raise missing("time", source.time, "request", source.request)
    if source.key is not None and source.key not in source.request:
        raise missing("key", source.key, "request", source.request)
    if source.label not in source.outcome:
        raise missing("label", source.label, "outcome", source.outcome)
    if source.time in source.request and (kind := type_of(source.request[source.time])) != "datetime":
        what, beside = f'"{source.time}" is a {kind}', [["source", "request", source.time]]
        raise fail(what, ["source", "time"], "the moment of a request is a datetime", beside=beside)


def _check_label(source: SourceSection, fail: Fail) -> None:
    """The label and the weight have types that something can be learned from."""
    declared, place, beside = source.outcome[source.label], ["source", "outcome", source.label], [["source", "label"]]
    kind = type_of(declared)
    if kind not in {"boolean", "string", "integer", "float"}:
        hint = "a boolean, a string with categories, an integer or a float can be predicted, and it is never null"
        raise fail(f"the label is a {kind}", place, hint, beside=beside)
    if kind == "string" and (isinstance(declared, str) or len(set(declared.categories or ())) < 2):
        hint = '{ type = "string", categories = ["a", "b"] }'
        raise fail("a label of text names no classes", place, hint, beside=beside)
    if source.weight is not None:
        kind = type_of({**source.request, **source.outcome}.get(source.weight, "nothing"))
        if kind not in {"integer", "float"}:
            beside = [["source", part, source.weight] for part in ("request", "outcome")]
            hint = "name a request or outcome field of numbers"
            raise fail(f"the weight is {kind}", ["source", "weight"], hint, beside=beside)


def _check_names(source: SourceSection, fail: Fail) -> None:
    """A field is asked or answered, and not called like a column that the loop itself keeps."""
    if shared := set(source.request) & {*source.outcome, source.known_at, source.id}:
        raise fail(
            f"{sorted(shared)} cannot be both asked and answered",
            ["source", "request", min(shared)],
            "a field belongs to [source.request] or to [source.outcome]",
            beside=[["source", key] for key in ("known_at", "id") if getattr(source, key) in shared],
        )
    for section, fields in (("request", source.request), ("outcome", source.outcome)):
        for name in fields:
            if name in RESERVED and name != source.time:
                raise fail(
                    f'"{name}" is the name of a column that the loop itself keeps',
                    ["source", section, name],
                    f"rename it; {', '.join(sorted(RESERVED))} are taken",
                    beside=[["source", "time"]],
                )


def _check_table(name: str, table: TableSection, fail: Fail) -> None:
    place, fields = ["tables", name], table.fields
    if "received_at" in fields:
        hint = "rename it: when a row reached us is noted by itself"
        what = '"received_at" is the name of a column that the loop itself keeps'
        raise fail(what, [*place, "fields", "received_at"], hint)
    for key, column in [*(("key", column) for column in table.key), ("known_at", table.known_at)]:
        if column is not None and column not in fields:
            hint = suggest(column, fields) + f"list it under [tables.{name}.fields]"
            raise fail(f'"{column}" is not a field of table "{name}"', [*place, key], hint)
    for column in table.key:
        if (kind := type_of(fields[column])) not in {"string", "integer"}:
            hint = "a key is made of strings and integers that are never null"
            beside = [[*place, "fields", column]]
            raise fail(f'key "{column}" is a {kind}', [*place, "key"], hint, beside=beside)
    if table.fresh_within is not None:
        _check_duration(table.fresh_within, [*place, "fresh_within"], fail)
    rules = [key for key in ("fresh_within", "min_rows_per_day", "max_rows_per_day") if getattr(table, key)]
    if rules and table.known_at is None:
        hint = "volume and freshness need the moment of each row"
        raise fail("has no known_at", place, hint, beside=[[*place, key] for key in rules])


def _check_duration(text: str, path: list[str], fail: Fail) -> None:
    try:
        parse_duration(text)
    except InvalidInput as error:
        raise fail(error.what, path, error.hint or "") from None


def _fault_of(declared: str | FieldSection) -> tuple[str, str] | None:
    """What is wrong with the declaration of a field, and how to mend it; None where nothing is."""
    kind = type_of(declared).removesuffix("?")
    if kind not in FIELD_KINDS:
        kinds = ", ".join(FIELD_KINDS)
        hint = suggest(kind, FIELD_KINDS) + f"the types are {kinds}; with ?, null is allowed"
        return f'unknown type "{type_of(declared)}"', hint
    if isinstance(declared, str):
        return None
    if declared.format is not None and kind != "datetime":
        return f"a {kind} has no format", 'it says how moments are written: { type = "datetime", format = "%d.%m.%Y" }'
    bounds = [bound for bound in (declared.min, declared.max) if bound is not None]
    if bounds and kind not in {"integer", "float"}:
        return f"a {kind} has neither min nor max", "they bound integers and floats"
    if not all(map(math.isfinite, bounds)) or bounds != sorted(bounds):
        return "min and max bound nothing", "write finite numbers, min not above max"
    if declared.categories is not None and (kind != "string" or not declared.categories):
        return "categories name no values of a string", 'write categories = ["a", "b"] for a string'
    return None
