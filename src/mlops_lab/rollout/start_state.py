"""The state that servers start from: the facts that views look up, and the predictions that wait for their outcomes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import polars as pl

from mlops_lab.clock import EPOCH
from mlops_lab.features.view import View
from mlops_lab.files import disk_fault
from mlops_lab.ids import new_id
from mlops_lab.journal.epochs import LogPosition
from mlops_lab.journal.records import OutcomeRecord, PredictionRecord, encode_frames
from mlops_lab.journal.segments import write_segment
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.rollout.journal_positions import journal_positions
from mlops_lab.rollout.state_facts import StateFacts
from mlops_lab.serving.answering.worker_state import CONTENTS_FILE, PREDICTION_INDEX, StateContents
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS, SHADOWS
from mlops_lab.tables.fields import outcome_fields, request_fields
from mlops_lab.tables.newest import trusted_newest
from mlops_lab.tables.verdict import COUNTED

_LOGGED_FIELDS = ("id", "at", "version", "role", "output", "shadow_version", "missing")
_ANSWER_FIELDS = ("id", "at", "version", "role", "output", "shadow_version", "shadow_output")


def prepare_state(
    project: Project, lake: Lake, *, views: Sequence[View], before: Path | None = None
) -> tuple[str, tuple[LogPosition, ...]]:
    """Write what a server needs of the past; its folder (relative to the project) and its journals' positions.

    Facts: of every table the rows within its longest window before the newest row, plus the days that outcomes may
    take, and the last row of every entity. Prediction index: the predictions of the days that outcomes may take, and
    those of their outcomes that are known. `before`: the folder of the state before, of which facts are taken over.
    """
    positions = journal_positions(project, lake)
    name = f"state-{sum(item.position for item in positions)}-{new_id()[:8]}"
    folder = project.state_path / name
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        newest = trusted_newest(project, lake)
        StateFacts(project, lake, newest=newest, before=before).write(folder, views)
        known_since = newest - timedelta(days=project.settings.source.outcome_within_days) if newest else None
        contents = StateContents(tuple(view.version for view in views), known_since)
        (folder / CONTENTS_FILE).write_bytes(msgspec.json.encode(contents))
        write_segment(folder / PREDICTION_INDEX, encode_frames(_index_records(project, lake, newest=newest)))
    except OSError as error:
        raise disk_fault(error, folder) from error
    return str(folder.relative_to(project.root)), positions


def _index_records(
    project: Project, lake: Lake, *, newest: datetime | None
) -> Iterator[PredictionRecord | OutcomeRecord]:
    """The predictions that may still get an outcome, then the outcomes that some of them have already."""
    if not PREDICTIONS.exists(lake):
        return
    oldest = (newest or EPOCH) - timedelta(days=project.settings.source.outcome_within_days)
    request_names = [field.name for field in request_fields(project)]
    outcome_names = [field.name for field in outcome_fields(project)]
    stored = [*dict.fromkeys([*_LOGGED_FIELDS, *request_names])]
    predictions = PREDICTIONS.read(lake, since=oldest, columns=stored).sort("at", "id")
    for row in _with_shadows(lake, predictions, since=oldest).iter_rows(named=True):
        request = {name: row[name] for name in request_names}
        answer = {name: row[name] for name in _ANSWER_FIELDS}
        missing = msgspec.json.decode(row["missing"] or "{}")
        yield PredictionRecord(**answer, request=request, features={}, missing=missing)
    if OUTCOMES.exists(lake):
        accepted = OUTCOMES.read(lake, since=oldest).filter(pl.col("verdict").is_in([*COUNTED]))
        accepted = accepted.sort("known_at", maintain_order=True)  # the last outcome of a prediction counts
        for row in accepted.filter(pl.col("predicted_at") >= oldest).iter_rows(named=True):
            values = {name: row[name] for name in outcome_names}
            yield OutcomeRecord(row["id"], row["known_at"], row["verdict"], values, None)


def _with_shadows(lake: Lake, predictions: pl.DataFrame, *, since: datetime) -> pl.DataFrame:
    """The predictions with what their shadow answered; null where it has not been scored yet."""
    if not SHADOWS.exists(lake):
        return predictions.with_columns(shadow_output=pl.lit(None))
    shadows = SHADOWS.read(lake, since=since, columns=["id", "output"]).rename({"output": "shadow_output"})
    return predictions.join(shadows.unique("id", keep="last"), on="id", how="left", maintain_order="left")
