"""Whose rows are meant: the key of a person, the columns that hold it, and the ids of the person's requests."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.features.view import View
from mlops_lab.journal.records import (
    FactRecord,
    OutcomeRecord,
    PredictionRecord,
    Record,
    RefusalRecord,
    SetAsideRecord,
    ShadowRecord,
)
from mlops_lab.lake import Lake
from mlops_lab.lake.erase import RowMatch, matching_rows
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision
from mlops_lab.rollout.versions import load_features
from mlops_lab.tables.declared import ALERTS, OUTCOMES, PREDICTIONS, QUARANTINE, REFUSALS, SHADOWS, TABLES
from mlops_lab.tables.fields import table_fields
from mlops_lab.training.pipeline import load_pipeline

_LOG = (SHADOWS, OUTCOMES, REFUSALS, PREDICTIONS)


@dataclass(frozen=True)
class Person:
    """The text of a person's key, the columns of each table that may hold it, and the ids of the person's requests.

    `quarantined` has the ids of rows in quarantine, and `alerts` the places of alerts that name the person.
    """

    key: str
    columns: Mapping[str, tuple[str, ...]]
    source: str
    source_id: str
    ids: frozenset[str] = frozenset()
    quarantined: frozenset[str] = frozenset()
    alerts: frozenset[str] = frozenset()

    def match(self, table: str) -> RowMatch:
        """Which rows of a table are the person's."""
        if table == QUARANTINE.name:
            return RowMatch(ids=self.quarantined)
        if table == ALERTS.name:
            return RowMatch(id_column="where", ids=self.alerts)
        if table in {item.name for item in _LOG}:
            return RowMatch(self.columns.get(table, ()), self.key, ids=self.ids)
        if table == self.source:
            return RowMatch(self.columns[table], self.key, id_column=self.source_id, ids=self.ids)
        return RowMatch(self.columns.get(table, ()), self.key)

    def has_record(self, record: Record) -> bool:
        """Whether a record of a journal is the person's."""
        match record:
            case PredictionRecord() | RefusalRecord():
                return record.id in self.ids or self._has(self.source, record.request)
            case ShadowRecord():
                return record.id in self.ids
            case OutcomeRecord():
                prediction = record.prediction
                return record.id in self.ids or (prediction is not None and self.has_record(prediction))
            case FactRecord():
                return self.has_row(record.table, record.row)
            case SetAsideRecord():
                return self.has_text(record.table, record.row)
        return False

    def has_row(self, table: str, row: Mapping[str, Any]) -> bool:
        """Whether a row that is meant for a table is the person's."""
        identity = row.get(self.source_id) if table == self.source else row.get("id")
        return self._has(table, row) or (identity is not None and str(identity) in self.ids)

    def has_text(self, table: str, text: str) -> bool:
        """Whether a row in quarantine is the person's; of one that cannot be read, whether it contains the key."""
        with suppress(msgspec.DecodeError):
            row = msgspec.json.decode(text)
            if isinstance(row, dict) and "request" not in row:
                return self.has_row(table, row)
        return self.key in text

    def is_named(self, place: str) -> bool:
        """Whether the place of an alert names the person, as `customer=c17`, or one of the person's predictions."""
        fields = "|".join(sorted({re.escape(name) for names in self.columns.values() for name in names}))
        is_key = re.search(rf"(?<!\w)(?:{fields})={re.escape(self.key)}(?!\w)", place)
        return is_key is not None or any(name in self.ids for name in re.findall(r"prediction (\S+)", place))

    def _has(self, table: str, row: Mapping[str, Any]) -> bool:
        return any(str(row[name]) == self.key for name in self.columns.get(table, ()) if row.get(name) is not None)


def find_person(project: Project, lake: Lake, decisions: Sequence[Decision], key: str, *, column: str | None) -> Person:
    """The person with this key in the request field `column` (None: `key` of `[source]`). InvalidInput where there is
    no such field."""
    source = project.settings.source
    columns = _columns(project, lake, decisions, _field(project, column))
    person = Person(key, columns, source.table, source.id)
    ids: set[str] = set()
    for table, name in ((source.table, source.id), *((item.name, "id") for item in _LOG)):
        if lake.exists(table) and {*person.columns.get(table, ())} & {*lake.schema(table)}:
            ids |= {str(value) for value in matching_rows(lake, table, person.match(table))[name]}
    person = replace(person, ids=frozenset(ids))
    return replace(person, quarantined=_quarantined(lake, person), alerts=_alerts(lake, person))


def _quarantined(lake: Lake, person: Person) -> frozenset[str]:
    if not QUARANTINE.exists(lake):
        return frozenset()
    rows = QUARANTINE.read(lake, columns=["id", "table", "row"]).select("id", "table", "row").iter_rows()
    return frozenset(name for name, table, row in rows if person.has_text(table, row))


def _alerts(lake: Lake, person: Person) -> frozenset[str]:
    if not ALERTS.exists(lake):
        return frozenset()
    return frozenset(filter(person.is_named, ALERTS.read(lake, columns=["where"])["where"].drop_nulls()))


def _field(project: Project, column: str | None) -> str:
    source, field = project.settings.source, column or project.settings.source.key
    if field is None:
        raise InvalidInput(
            "mlops.toml does not say which request field identifies a person",
            code="no_key",
            where="[source] key",
            hint="name the field: --column FIELD",
        )
    if field not in source.request:
        raise InvalidInput(
            f'"{field}" is no request field',
            code="unknown_column",
            where="--column",
            hint=f"the fields are {', '.join(source.request)}",
        )
    return field


def _columns(project: Project, lake: Lake, decisions: Sequence[Decision], field: str) -> dict[str, tuple[str, ...]]:
    """By table the columns that hold that request field: those of its name, and those that views look it up in, also
    the views of earlier versions. Some tables may not be declared any more."""
    own = {table.name for table in TABLES}
    names = [
        *(table.name for table in _LOG),
        *table_fields(project),
        *(name for name in lake.tables() if name not in own),
    ]
    found = {name: {field} for name in names}
    for view in _views(project, decisions):
        if field in view.keys:
            found.setdefault(view.table, set()).add(view.keys[field])
    return {table: tuple(sorted(columns)) for table, columns in found.items()}


def _views(project: Project, decisions: Sequence[Decision]) -> list[View]:
    views = [*load_pipeline(project).features.views]
    for number in {item.version for item in decisions if item.version is not None and "package" in item.evidence}:
        with suppress(EnvironmentFault):
            views += load_features(project, decisions, number).views
    return views
