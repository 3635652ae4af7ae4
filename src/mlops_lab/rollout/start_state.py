"""The state that servers start from: the facts that views look up, and the predictions that wait for their outcomes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from mlops_lab.clock import EPOCH
from mlops_lab.features.view import View
from mlops_lab.files import disk_fault
from mlops_lab.ids import new_id
from mlops_lab.journal.epochs import LogPosition
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.rollout.journal_positions import journal_positions
from mlops_lab.rollout.state_book import write_book
from mlops_lab.rollout.state_facts import StateFacts
from mlops_lab.serving.answering.worker_state import CONTENTS_FILE, PREDICTION_INDEX, StateContents
from mlops_lab.tables.newest import trusted_newest


def prepare_state(
    project: Project, lake: Lake, *, views: Sequence[View], before: Path | None = None
) -> tuple[str, tuple[LogPosition, ...]]:
    """Write what a server needs of the past; its folder (relative to the project) and its journals' positions.

    Facts: of every table the rows within its longest window before the newest row, plus the days that outcomes may
    take, and the last row of every entity. Prediction index: the predictions of the days that outcomes may take, and
    those of their outcomes that are known. `before`: the folder of the state before; what is right of it is taken over.
    """
    positions = journal_positions(project, lake)
    name = f"state-{sum(item.position for item in positions)}-{new_id()[:8]}"
    folder = project.state_path / name
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        newest = trusted_newest(project, lake)
        since = (newest or EPOCH) - timedelta(days=project.settings.source.outcome_within_days)
        StateFacts(project, lake, newest=newest, before=before).write(folder, views)
        contents = StateContents(tuple(view.version for view in views), since if newest else None)
        (folder / CONTENTS_FILE).write_bytes(msgspec.json.encode(contents))
        book_before = before / PREDICTION_INDEX if before else None
        write_book(project, lake, folder / PREDICTION_INDEX, since=since, before=book_before)
    except OSError as error:
        raise disk_fault(error, folder) from error
    return str(folder.relative_to(project.root)), positions
