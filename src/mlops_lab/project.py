"""A project: a folder with `mlops.toml` (what) and `pipeline.py` (how). This module reads the first."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from mlops_lab.clock import parse_duration
from mlops_lab.errors import InvalidInput, NotFound

CONFIG_NAME = "mlops.toml"
PIPELINE_NAME = "pipeline.py"

ROW_ID, ASKED_AT, KNOWN_AT = "row_id", "asked_at", "known_at"
"""The columns that are made where the data has none: see `SourceSection`."""
_ANSWER = {"id", "at", "version", "role", "output", "shadow_version", "shadow_output"}
FIELD_KINDS = ("string", "integer", "float", "boolean", "datetime")
RESERVED = frozenset(_ANSWER | {"known_at", "received_at", "verdict", "predicted_at", "missing"})
"""Columns of the loop's own tables, which stand beside the fields of requests and outcomes."""

PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all sections: immutable, and an unknown key is an error."""


class ProjectSection(Config, frozen=True, kw_only=True):
    """`[project]`: its name, the zone in which its days begin, and what "now" is where nobody says it.

    `clock`: "wall" is this machine's time; "data" is the newest moment that the project's own tables know of, for
    work on a stretch of the past.
    """

    name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    timezone: str = "UTC"
    clock: Annotated[str, msgspec.Meta(pattern="^(wall|data)$")] = "wall"


class FieldSection(Config, frozen=True, kw_only=True):
    """One field with what its values may be, beside its type: numbers from `min` to `max`, or text of `categories`."""

    type: str
    min: float | None = None
    max: float | None = None
    categories: list[str] | None = None


Declared = dict[str, str | FieldSection]


def type_of(declared: str | FieldSection) -> str:
    """The type of a field as it is written."""
    return declared if isinstance(declared, str) else declared.type


class SourceSection(Config, frozen=True, kw_only=True):
    """`[source]`: the past, one row a request and how it ended. Field types: see `contracts.fields`.

    `label` names the outcome field to predict. Its type says what kind of task it is: see `Project.task`.

    `key` names the request field that tells who asks: within a rollout the same key always meets the same version.
    `weight` names the field that says how much a row counts in training.

    Data need not say everything. Without a column named by `id`, rows are told apart by their place in the file.
    Without a request field named by `time`, a request's moment is that of its arrival, and the rows of the data came
    in the order of the file, or, with `order = "shuffled"`, in one drawn at random: for a file that is sorted by what
    is to be predicted. Without a column named by `known_at`, an outcome was known at once.
    """

    table: str
    data: str
    id: str = ROW_ID
    time: str = ASKED_AT
    known_at: str = KNOWN_AT
    label: str
    key: str | None = None
    weight: str | None = None
    order: Annotated[str, msgspec.Meta(pattern="^(arrival|shuffled)$")] = "arrival"
    request: Declared
    outcome: Declared
    outcome_within_days: PositiveInt = 7


class TableSection(Config, frozen=True, kw_only=True):
    """`[tables.NAME]`: facts from elsewhere. Rows are told apart by `key` (and `known_at`, where there is one).

    What the whole table must keep: so many rows a day of the project's zone, a newest row known not longer than
    `fresh_within` ("6h") ago, and with `monotone` rows that come in the order in which they became known.
    """

    data: str
    key: list[str]
    fields: Declared
    known_at: str | None = None
    min_rows_per_day: PositiveInt | None = None
    max_rows_per_day: PositiveInt | None = None
    fresh_within: str | None = None
    monotone: bool = False


class ContractSection(Config, frozen=True, kw_only=True):
    """`[contract]`: rows that break it are set aside; a file of which more than this share does is not loaded."""

    max_quarantined_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01


class BacktestSection(Config, frozen=True, kw_only=True):
    """`[backtest]`: the last days, kept from the candidate, on which it meets the champion; with `share`, that share
    of the rows instead, the last ones, whenever they were."""

    days: PositiveInt = 14
    share: Annotated[float, msgspec.Meta(gt=0, le=0.5)] | None = None
    min_days: PositiveInt = 7
    alpha: Share = 0.05


class GatesSection(Config, frozen=True, kw_only=True):
    """`[gates]`: the limits that a candidate must keep; and whether it must be better than a linear model."""

    max_calibration_gap: Positive = 0.1
    slices: list[str] = []
    slice_min_rows: PositiveInt = 300
    max_slice_loss: Positive = 0.03
    must_beat_baseline: bool = False


class RolloutSection(Config, frozen=True, kw_only=True):
    """`[rollout]`: the way from candidate to champion."""

    shadow_days: PositiveInt = 2
    canary_days: PositiveInt = 3
    canary_share: Share = 0.1
    max_loss: Positive = 0.02


class TriggersSection(Config, frozen=True, kw_only=True):
    """`[triggers]`: what starts a retraining."""

    every_days: PositiveInt = 28
    cooldown_days: PositiveInt = 14
    window_days: PositiveInt = 7
    max_calibration_gap: Positive = 0.1


class ServingSection(Config, frozen=True, kw_only=True):
    """`[serving]`: where the server listens, and when an answer counts as written down.

    `durability`: "async" hands the record to the operating system before the answer (survives a killed process);
    "fsync" waits until it is on the disk (survives a power cut). `online_store`: where servers keep the facts that
    views look up: "memory" (each its own), or a Redis that they share, as "redis://127.0.0.1:6379/0".
    """

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8321
    durability: Annotated[str, msgspec.Meta(pattern="^(async|fsync)$")] = "fsync"
    online_store: Annotated[str, msgspec.Meta(pattern="^(memory|(redis|rediss|unix)://.+)$")] = "memory"


class Settings(Config, frozen=True, kw_only=True):
    """All of `mlops.toml`."""

    project: ProjectSection
    source: SourceSection
    tables: dict[str, TableSection] = {}
    contract: ContractSection = ContractSection()
    backtest: BacktestSection = BacktestSection()
    gates: GatesSection = GatesSection()
    rollout: RolloutSection = RolloutSection()
    triggers: TriggersSection = TriggersSection()
    serving: ServingSection = ServingSection()


@dataclass(frozen=True)
class Project:
    """A project folder and its settings; knows where everything lives."""

    root: Path
    settings: Settings

    @property
    def name(self) -> str:
        """The project's name, also that of its registered model."""
        return self.settings.project.name

    @property
    def timezone(self) -> str:
        """The zone whose midnight ends a day."""
        return self.settings.project.timezone

    @property
    def task(self) -> str:
        """What is predicted, by the type of the label: "binary" (boolean), "multiclass" (string, whose categories are
        the classes) or "regression" (integer or float)."""
        source = self.settings.source
        kind = type_of(source.outcome[source.label])
        return {"boolean": "binary", "string": "multiclass"}.get(kind, "regression")

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of a multiclass task, in the order of its outputs; none for other tasks."""
        source = self.settings.source
        declared = source.outcome[source.label]
        return () if isinstance(declared, str) else tuple(declared.categories or ())

    @property
    def timed_by_arrival(self) -> bool:
        """Whether a request's moment is that of its arrival, because no request field holds one."""
        return self.settings.source.time not in self.settings.source.request

    @property
    def pipeline_path(self) -> Path:
        """`pipeline.py`."""
        return self.root / PIPELINE_NAME

    @cached_property
    def home(self) -> Path:
        """`.mlops`: all state of the project."""
        return self.root / ".mlops"

    @property
    def lake_path(self) -> Path:
        """Delta tables."""
        return self.home / "lake"

    @property
    def journal_path(self) -> Path:
        """What the server wrote down and the loop has still to move into the lake."""
        return self.home / "journal"

    @property
    def mlflow_path(self) -> Path:
        """MLflow's database and artifacts."""
        return self.home / "mlflow"

    @property
    def deployment_path(self) -> Path:
        """The routing table that servers follow."""
        return self.home / "deployment.json"

    @property
    def state_path(self) -> Path:
        """What a server needs to know of the past when it starts."""
        return self.home / "serving"

    @property
    def token_path(self) -> Path:
        """The token that changing anything in the server needs."""
        return self.home / "token"


def find_project(start: Path) -> Project:
    """The project in `start` or in the nearest folder above it; NotFound where there is none."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / CONFIG_NAME).is_file():
            return load_project(folder)
    raise NotFound(
        f"no {CONFIG_NAME} here or in a folder above",
        code="no_project",
        where=str(start),
        hint="change into a project folder, or make one with `mlops demo`",
    )


def load_project(root: Path) -> Project:
    """The project in `root`. InvalidInput names the line and the key that is wrong in `mlops.toml`."""
    path = root / CONFIG_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(
            f"cannot be read: {error.strerror}", code="no_project", where=str(path), hint="name a project folder"
        ) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InvalidInput(
            "is not UTF-8", code="bad_config", where=f"{CONFIG_NAME}, line {line}", hint="save the file as UTF-8"
        ) from None
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(
            f"is not valid TOML: {error}", code="bad_config", where=CONFIG_NAME, hint="mend the line named"
        ) from None
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        raise _explain(str(error), raw, text) from None
    _check_references(settings, text)
    return Project(root.resolve(), settings)


def _explain(message: str, raw: dict[str, Any], text: str) -> InvalidInput:
    """The error of msgspec (`what - at `$.section.key``) with the line of the key."""
    what, _, path = message.partition(" - at ")
    keys: list[str] = []
    for name in re.findall(r"\.([^.[`]+)|\[\.{3}\]", path):  # a place in a list is not looked for: the line names it
        keys.append(name or _find_key(raw, keys, message))
    if "`" in what and "field" in what:  # an unknown or a missing key is named in the message, its section in the path
        keys.append(what.split("`")[-2])
    key = ".".join(keys) or "the file"
    return InvalidInput(
        what,
        code="bad_config",
        where=_place(text, keys),
        hint=f"the keys and their types are described in docs/configuration.md; mend {key} and run it again",
    )


def _find_key(raw: dict[str, Any], keys: list[str], message: str) -> str:
    """The key of the table at `keys` that msgspec means by `[...]`: the one that fails alike without the others."""
    table = raw
    for key in keys:
        table = table[key]
    for key in table:
        try:
            msgspec.convert(_keep(raw, keys, key), Settings)
        except msgspec.ValidationError as error:
            if str(error) == message:
                return key
    return "[...]"


def _keep(raw: dict[str, Any], keys: list[str], key: str) -> dict[str, Any]:
    return {**raw, keys[0]: _keep(raw[keys[0]], keys[1:], key)} if keys else {key: raw[key]}


def _place(text: str, keys: list[str]) -> str:
    line, key = find_line(text, keys), ".".join(keys) or "the file"
    return f"{CONFIG_NAME}, line {line}, key {key}" if line else f"{CONFIG_NAME}, key {key}"


def find_line(text: str, keys: list[str]) -> int | None:
    """The line (from 1) on which the nested key stands, else that of its section; None if neither is there."""
    section: list[str] = []
    found = None
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            section = [part.strip().strip('"') for part in stripped.split("]")[0].strip("[").split(".")]
            if section and section == keys[: len(section)]:
                found = number
        elif "=" in stripped and [*section, stripped.split("=")[0].strip().strip('"')] == keys:
            return number
    return found


def _check_references(settings: Settings, text: str) -> None:
    source = settings.source

    def fail(what: str, keys: list[str], hint: str) -> InvalidInput:
        return InvalidInput(what, code="bad_config", where=_place(text, keys), hint=hint)

    try:
        ZoneInfo(settings.project.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise fail(
            f'"{settings.project.timezone}" is not a time zone',
            ["project", "timezone"],
            'write an IANA name such as "America/New_York"',
        ) from None
    declared = [(["source", "request"], source.request), (["source", "outcome"], source.outcome)]
    declared += [(["tables", table, "fields"], section.fields) for table, section in settings.tables.items()]
    for keys, types in declared:
        for field, kind in types.items():
            if field.startswith("_"):
                raise fail(
                    f'"{field}" begins with an underscore', [*keys, field], "rename it: those are the loop's own"
                )
            if fault := _fault_of(kind):
                raise fail(fault[0], [*keys, field], fault[1])
    if source.time not in source.request and source.time != ASKED_AT:
        raise fail(f'"{source.time}" is not a request field', ["source", "time"], "list it under [source.request]")
    if source.key is not None and source.key not in source.request:
        raise fail(f'"{source.key}" is not a request field', ["source", "key"], "list it under [source.request]")
    if source.label not in source.outcome:
        raise fail(f'"{source.label}" is not an outcome field', ["source", "label"], "list it under [source.outcome]")
    if source.time in source.request and (kind := type_of(source.request[source.time])) != "datetime":
        raise fail(f'"{source.time}" is a {kind}', ["source", "time"], "the moment of a request is a datetime")
    _check_label(source, fail)
    if source.time not in source.request and settings.project.clock == "data":
        raise fail(
            'clock = "data" needs moments in the data', ["project", "clock"], "declare the time, or leave it out"
        )
    if shared := set(source.request) & {*source.outcome, source.known_at, source.id}:
        raise fail(
            f"{sorted(shared)} cannot be both asked and answered",
            ["source", "request", min(shared)],
            "a field belongs to [source.request] or to [source.outcome]",
        )
    for section, fields in (("request", source.request), ("outcome", source.outcome)):
        for name in fields:
            if name in RESERVED and name != source.time:
                raise fail(
                    f'"{name}" is the name of a column that the loop itself keeps',
                    ["source", section, name],
                    f"rename it; {', '.join(sorted(RESERVED))} are taken",
                )
    for name in settings.gates.slices:
        if name not in {**source.request, **source.outcome}:
            raise fail(f'"{name}" is not a field', ["gates", "slices"], "name fields of [source.request]")
    if source.table in settings.tables:
        raise fail(f'table "{source.table}" is declared twice', ["tables", source.table], "rename one of the two")
    for name, table in settings.tables.items():
        if "received_at" in table.fields:
            raise fail(
                '"received_at" is the name of a column that the loop itself keeps',
                ["tables", name, "fields", "received_at"],
                "rename it: when a row reached us is noted by itself",
            )
        for column in [*table.key, *([table.known_at] if table.known_at else [])]:
            if column not in table.fields:
                raise fail(
                    f'"{column}" is not a field of table "{name}"',
                    ["tables", name],
                    f"list it under [tables.{name}.fields]",
                )
        for column in table.key:
            if type_of(table.fields[column]) not in {"string", "integer"}:
                raise fail(
                    f'key "{column}" is a {type_of(table.fields[column])}',
                    ["tables", name, "key"],
                    "a key is made of strings and integers that are never null",
                )
        if table.fresh_within is not None:
            try:
                parse_duration(table.fresh_within)
            except InvalidInput as error:
                raise fail(error.what, ["tables", name, "fresh_within"], error.hint or "") from None
        if (table.fresh_within or table.min_rows_per_day or table.max_rows_per_day) and table.known_at is None:
            raise fail("has no known_at", ["tables", name], "volume and freshness need the moment of each row")


def _check_label(source: SourceSection, fail: Callable[[str, list[str], str], InvalidInput]) -> None:
    """The label and the weight have types that something can be learned from."""
    declared, place = source.outcome[source.label], ["source", "outcome", source.label]
    kind = type_of(declared)
    if kind not in {"boolean", "string", "integer", "float"}:
        hint = "a boolean, a string with categories, an integer or a float can be predicted, and it is never null"
        raise fail(f"the label is a {kind}", place, hint)
    if kind == "string" and (isinstance(declared, str) or len(set(declared.categories or ())) < 2):
        raise fail("a label of text names no classes", place, '{ type = "string", categories = ["a", "b"] }')
    if source.weight is not None:
        kind = type_of({**source.request, **source.outcome}.get(source.weight, "nothing"))
        if kind not in {"integer", "float"}:
            raise fail(f"the weight is {kind}", ["source", "weight"], "name a request or outcome field of numbers")


def _fault_of(declared: str | FieldSection) -> tuple[str, str] | None:
    """What is wrong with the declaration of a field, and how to mend it; None where nothing is."""
    kind = type_of(declared).removesuffix("?")
    if kind not in FIELD_KINDS:
        kinds = ", ".join(FIELD_KINDS)
        return f'unknown type "{type_of(declared)}"', f"the types are {kinds}; with ?, null is allowed"
    if isinstance(declared, str):
        return None
    bounds = [bound for bound in (declared.min, declared.max) if bound is not None]
    if bounds and kind not in {"integer", "float"}:
        return f"a {kind} has neither min nor max", "they bound integers and floats"
    if not all(map(math.isfinite, bounds)) or bounds != sorted(bounds):
        return "min and max bound nothing", "write finite numbers, min not above max"
    if declared.categories is not None and (kind != "string" or not declared.categories):
        return "categories name no values of a string", 'write categories = ["a", "b"] for a string'
    return None
