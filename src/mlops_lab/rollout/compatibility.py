"""Whether the versions that answer still fit `mlops.toml`: what they were trained to read must still be declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlops_lab.contracts.fields import Field, parse_fields
from mlops_lab.errors import Conflict, EnvironmentFault
from mlops_lab.features.definition import Features
from mlops_lab.features.view import View
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.registry.package import Plan
from mlops_lab.rollout.decisions import Decision, RolloutState, fold
from mlops_lab.rollout.versions import load_plan_of
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS, REFUSALS
from mlops_lab.tables.fields import request_fields, table_fields
from mlops_lab.tables.identity import check_identity, check_types
from mlops_lab.tables.log_columns import feature_columns

_SAME_TYPE = {"last", "min", "max"}
"""Aggregates whose value has the type of its column; that of the others is always a number."""


def check_schema(project: Project, lake: Lake, decisions: Sequence[Decision]) -> None:
    """Conflict, or InvalidInput, where neither the live versions nor the stored rows fit what `mlops.toml` declares."""
    check_live_versions(project, decisions, fold(decisions))
    check_identity(project, lake)
    check_new_fields(project, lake, decisions)
    check_types(lake, _changed_columns(project, decisions))


def _changed_columns(project: Project, decisions: Sequence[Decision]) -> dict[str, list[str]]:
    """By table, the columns that are declared with another type than when the champion was trained. Where others do not
    fit, it is not the declaration that has changed: the table is damaged, and an alert says so."""
    champion = fold(decisions).champion
    trained = load_plan_of(project, decisions, champion).tables if champion is not None else {}
    changed = {}
    for table, fields in table_fields(project).items():
        before = trained.get(table, {})
        changed[table] = [field.name for field in fields if before.get(field.name, "").removesuffix("?") != field.kind]
    own = changed[project.settings.source.table]
    for log in (PREDICTIONS, OUTCOMES, REFUSALS):
        changed[log.name] = [field.name for field in log.project_fields(project) if field.name in own]
    return changed


def check_live_versions(project: Project, decisions: Sequence[Decision], state: RolloutState) -> None:
    """Conflict where a version that answers, or is on trial, needs what `mlops.toml` does not declare any more.

    EnvironmentFault where the package of the champion cannot be read. Another version with such a package answers
    nothing, so it needs nothing.
    """
    for version in _live_versions(state):
        try:
            check_version(project, decisions, version)
        except EnvironmentFault:
            if version == state.champion:
                raise


def _live_versions(state: RolloutState) -> list[int]:
    """The versions that answer, or are on trial."""
    live = [state.champion, state.challenger, *(version for version, _ in state.arms)]
    return [version for version in live if version is not None]


def check_version(project: Project, decisions: Sequence[Decision], version: int) -> None:
    """Conflict where the version needs what `mlops.toml` does not declare any more."""
    if conflicts := find_conflicts(project, load_plan_of(project, decisions, version)):
        raise Conflict(
            f"version {version} {'; '.join(conflicts)}",
            code="schema_conflict",
            where="mlops.toml",
            hint="declare it as before, take it out of pipeline.py, and `mlops run`; once no live version needs it, "
            "change it here. A value of another type gets a field with another name",
        )


def check_new_fields(project: Project, lake: Lake, decisions: Sequence[Decision]) -> None:
    """Conflict where a request field that was never loaded has the name of a feature that is in the log of predictions,
    or that a live version logs with its next answer."""
    logged, loaded = lake.schema(PREDICTIONS.name), lake.schema(project.settings.source.table)
    new = [field.name for field in request_fields(project) if field.name not in loaded]
    live = _live_versions(fold(decisions))
    for version in {decision.version for decision in decisions if "package" in decision.evidence} if new else ():
        assert version is not None
        try:
            plan = load_plan_of(project, decisions, version)
        except EnvironmentFault:  # its package is gone: what its features were called is not known any more
            continue
        features = Features.from_dict(plan.features)
        for column in feature_columns(features.inputs, features.computed, plan.request).values():
            if column in new and (column in logged or version in live):
                raise Conflict(
                    f'"{column}" is the name of a feature of version {version}, in the log of predictions',
                    code="schema_conflict",
                    where=f"mlops.toml, key source.request.{column}",
                    hint="give the field another name",
                )


def find_conflicts(project: Project, plan: Plan) -> list[str]:
    """What a version with this plan needs and `mlops.toml` does not declare (any more), each as a part of a sentence;
    empty where it can answer. A field that it knows as one that may be null may be gone: it is null."""
    features = Features.from_dict(plan.features)
    return [
        *_task_conflicts(project, plan),
        *_request_conflicts(project, plan, features),
        *(conflict for view in features.views for conflict in _view_conflicts(project, plan, view)),
    ]


def _task_conflicts(project: Project, plan: Plan) -> Iterator[str]:
    if plan.task != project.task:
        yield f'predicts a {plan.task} label, and "{project.settings.source.label}" makes it {project.task}'
    if plan.time != project.settings.source.time:
        yield f'knows the time of a request as "{plan.time}"'


def _request_conflicts(project: Project, plan: Plan, features: Features) -> Iterator[str]:
    declared = _by_name(request_fields(project))
    known = _by_name(parse_fields(plan.request, where="source.request"))
    used = [name for name in features.inputs if name not in features.computed]
    used += [name for name in features.roots if name in known and name != plan.time]
    for name in dict.fromkeys(used):
        yield from _field_conflicts(known[name], declared.get(name), where="the request field")
    for field in dict.fromkeys(field for view in features.views for field in view.keys):
        if field not in declared:
            yield f'needs the request field "{field}" for a look-up'


def _view_conflicts(project: Project, plan: Plan, view: View) -> Iterator[str]:
    tables = table_fields(project)
    if view.table not in tables:
        yield f'needs the table "{view.table}"'
        return
    declared, requests = _by_name(tables[view.table]), _by_name(request_fields(project))
    known = _by_name(parse_fields(plan.tables.get(view.table, {}), where=f"tables.{view.table}"))
    for field, column in view.keys.items():
        if column not in declared:
            yield f'needs the column "{column}" of table "{view.table}"'
        elif field in requests and requests[field].kind != declared[column].kind:
            kinds = f"{requests[field].kind} and {declared[column].kind}"
            yield f'compares the request field "{field}" with the column "{column}" of "{view.table}": {kinds}'
    for aggregate in view.values.values():
        if aggregate.column not in known:
            continue
        now, trained = declared.get(aggregate.column), known[aggregate.column]
        is_number = now is not None and now.kind in _NUMBERS and trained.kind in _NUMBERS
        if aggregate.how in _SAME_TYPE or not is_number:
            yield from _field_conflicts(trained, now, where=f'table "{view.table}", column')


_NUMBERS = {"integer", "float", "boolean"}


def _field_conflicts(trained: Field, now: Field | None, *, where: str) -> Iterator[str]:
    """What is wrong with a field that was declared as `trained` when the version was trained, and is declared `now`."""
    if now is None:
        if not trained.nullable:
            yield f'needs {where} "{trained.name}" ({trained.kind}), which is not declared'
    elif now.kind != trained.kind and (now.kind, trained.kind) != ("integer", "float"):
        yield f'knows {where} "{trained.name}" as {trained.kind}, and it is declared {now.kind}'


def _by_name(fields: Sequence[Field]) -> Mapping[str, Field]:
    return {field.name: field for field in fields}
