"""Outcomes from a file, for projects without a running server: judged by the same book, written to the same journal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from mlops_lab.contracts.fields import Field
from mlops_lab.contracts.tables import conform
from mlops_lab.errors import MlopsError
from mlops_lab.loop.ingest import read_file
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.serving.deployment import read_deployment
from mlops_lab.serving.service import Service
from mlops_lab.training.history import outcome_fields


def read_outcomes(project: Project, file: Path) -> list[dict[str, Any]]:
    """The rows of an outcomes file, typed: `id`, `known_at` and the outcome fields."""
    fields = (
        Field("id", "string", nullable=False),
        Field("known_at", "datetime", nullable=False),
        *outcome_fields(project),
    )
    return conform(read_file(file, fields), fields, table="outcomes").to_dicts()


def accept_outcomes(project: Project, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What became of each outcome, decided without a server and written to the journal; the next tick joins them."""
    loop = Loop(project)
    loop.act(fresh=True)
    service = Service(project, read_deployment(project.deployment_path))
    try:
        decoded = [msgspec.convert(row, service.outcome_type) for row in rows]
        return service.accept_outcomes(decoded)
    except msgspec.ValidationError as error:
        raise MlopsError(str(error), code="invalid_outcome", where="outcomes") from None
    finally:
        service.journal.close()
