"""How the contract in `mlops.toml` differs from an earlier one: that of the stored rows, or that of a commit."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from mlops_lab.contracts.evolution import FieldChange, compare_contracts
from mlops_lab.contracts.fields import DTYPES, Field, parse_fields
from mlops_lab.errors import Conflict
from mlops_lab.lake import Lake
from mlops_lab.lineage.definitions import project_at
from mlops_lab.project import Project
from mlops_lab.rollout.compatibility import check_live_versions, check_new_fields
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import fold
from mlops_lab.rollout.versions import load_plan_of
from mlops_lab.schemas.casts import cast_exactly
from mlops_lab.tables.facts import LOOP_COLUMNS
from mlops_lab.tables.fields import table_fields
from mlops_lab.tables.identity import check_identity
from mlops_lab.tables.open_lake import open_lake

_KINDS = {dtype: kind for kind, dtype in DTYPES.items()}


def changes_since(project: Project, commit: str) -> dict[str, list[FieldChange]]:
    """By table, the changes since a commit of the project's git repository."""
    with project_at(project, commit) as earlier:
        before = table_fields(earlier)
    return {name: compare_contracts(before.get(name, ()), fields) for name, fields in table_fields(project).items()}


def changes_since_stored(project: Project) -> dict[str, list[FieldChange]]:
    """By table, the changes since its rows were stored; nothing for one that was not loaded yet."""
    lake = open_lake(project)
    trained = _fields_of_champion(project, lake)
    changes = {}
    for name, fields in table_fields(project).items():
        if lake.exists(name):
            before = _stored_fields(lake, name, now=fields, trained=trained.get(name, {}))
            changes[name] = compare_contracts(before, fields, misfits=_misfits(lake, name, fields))
    return changes


def find_conflict(project: Project) -> Conflict | None:
    """What stored rows or live versions need and the contract does not declare: `mlops run` would refuse it."""
    lake = open_lake(project)
    decisions = read_decisions(lake)
    try:
        check_identity(project, lake)
        check_new_fields(project, lake, decisions)
        check_live_versions(project, decisions, fold(decisions))
    except Conflict as conflict:
        return conflict
    return None


def _fields_of_champion(project: Project, lake: Lake) -> Mapping[str, Mapping[str, Field]]:
    """The fields that the champion was trained with: the lake does not say which may be null."""
    decisions = read_decisions(lake)
    champion = fold(decisions).champion
    tables = load_plan_of(project, decisions, champion).tables if champion is not None else {}
    return {
        name: {field.name: field for field in parse_fields(fields, where=f"tables.{name}")}
        for name, fields in tables.items()
    }


def _stored_fields(lake: Lake, table: str, *, now: tuple[Field, ...], trained: Mapping[str, Field]) -> list[Field]:
    """The fields of the stored rows. Where nothing says whether null was allowed, it is as it is now."""
    declared = {field.name: field for field in now}
    fields = []
    for name, dtype in lake.schema(table).items():
        if name in LOOP_COLUMNS or dtype not in _KINDS:
            continue
        known = trained.get(name)
        nullable = known.nullable if known else name not in declared or declared[name].nullable
        fields.append(Field(name, _KINDS[dtype], nullable))
    return fields


def _misfits(lake: Lake, table: str, fields: tuple[Field, ...]) -> dict[str, str]:
    """By field, a stored value that its type does not fit."""
    stored, misfits = lake.schema(table), {}
    for field in fields:
        if field.name in stored and stored[field.name] != field.dtype:
            column: pl.Series = lake.read(table, columns=[field.name], as_stored=True)[field.name]
            _, lost = cast_exactly(column, field.dtype)
            if lost is not None:
                misfits[field.name] = f"the stored value {column[lost]!r} is no {field.kind}"
    return misfits
