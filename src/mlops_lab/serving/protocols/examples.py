"""Example bodies for the OpenAPI document: the contract accepts them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from mlops_lab import clock
from mlops_lab.contracts.fields import Field
from mlops_lab.serving.answering.service import Service
from mlops_lab.tables.fields import submitted_fields

Json = dict[str, Any]


class Examples:
    """A request, an outcome, and a row of each table, as the contract declares them."""

    def __init__(self, service: Service) -> None:
        project = service.project
        self._time = _example_time(service).astimezone(UTC).replace(microsecond=0)
        self._categories = service.models.champion.plan.categories
        request = [field for field in service.schemas.fields if field.name in project.settings.source.request]
        self.request = self._make_row(request)
        self.outcome = {"id": "the id of a prediction"} | self._make_row(submitted_fields(project)[1:])
        self.rows = {name: self._make_row(fields) for name, fields in service.schemas.row_fields.items()}

    def _make_row(self, fields: Sequence[Field]) -> Json:
        return {field.name: self._make_value(field) for field in fields}

    def _make_value(self, field: Field) -> Any:
        if field.kind == "string":
            known = field.categories or self._categories.get(field.name) or [field.name]
            return known[0]
        if field.kind == "datetime":
            return self._time.isoformat().replace("+00:00", "Z")
        if field.kind == "boolean":
            return True
        value = min(max(1.0, 1.0 if field.min is None else field.min), 1.0 if field.max is None else field.max)
        return round(value) if field.kind == "integer" else value


def _example_time(service: Service) -> datetime:
    """A time to ask about: the machine's, or the newest in the data."""
    state = service.worker_state
    known = [state.newest, *state.facts.newest.values()] if service.project.settings.project.clock == "data" else []
    return max((time for time in known if time is not None), default=clock.now())
