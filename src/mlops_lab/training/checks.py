"""What can be told about a training before anything is loaded, decided or trained."""

from __future__ import annotations

import polars as pl

from mlops_lab.contracts.fields import polars_schema
from mlops_lab.contracts.rules import find_breaches
from mlops_lab.contracts.tables import explain_breaches
from mlops_lab.errors import InvalidInput
from mlops_lab.features.definition import Features
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.facts import facts_of
from mlops_lab.tables.fields import request_fields, table_fields, table_schemas
from mlops_lab.tables.versions import latest_versions


def check_features(project: Project, features: Features) -> None:
    """InvalidInput where the features do not fit the fields and tables that the project declares."""
    requests = polars_schema(request_fields(project))
    values = features.view_schema(table_schemas(project))
    if taken := sorted(requests.keys() & values.keys()):
        raise InvalidInput(
            f'"{taken[0]}" is a request field, and the value of a view',
            code="bad_features",
            where="pipeline.py, features",
            hint="give the value of the view another name",
        )
    try:
        inputs = features.select(pl.DataFrame(schema={**requests, **values}))
    except pl.exceptions.PolarsError as error:
        raise not_computed_error(error) from None
    check_inputs(inputs)


def check_outcomes(project: Project, lake: Lake) -> None:
    """InvalidInput where accepted outcomes, or the requests that they belong to, break the contract as it is now."""
    source = project.settings.source
    if OUTCOMES.exists(lake):
        facts = latest_versions(facts_of(project, OUTCOMES.name, OUTCOMES.read(lake)), ["_fact_id"])
        rows = facts.rename({"_fact_id": source.id})
        if breaches := find_breaches(OUTCOMES.name, rows, table_fields(project)[source.table]):
            raise explain_breaches(breaches)


def not_computed_error(error: pl.exceptions.PolarsError) -> InvalidInput:
    """The error about features that Polars cannot compute."""
    return InvalidInput(
        f"cannot be computed: {str(error).splitlines()[0][:300]}",
        code="bad_features",
        where="pipeline.py, features",
        hint="an input is a request field, a value of a view, or derived from those; outcomes come in by a view",
    )


def check_inputs(inputs: pl.DataFrame) -> None:
    """InvalidInput where an input is not a number, boolean or text."""
    for name, dtype in inputs.schema.items():
        if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.String)):
            raise InvalidInput(
                f"is a {dtype}; a model takes numbers, booleans and text",
                code="bad_features",
                where=f'pipeline.py, input "{name}"',
                hint=f'derive a number from it, such as pl.col("{name}").dt.hour()',
            )
