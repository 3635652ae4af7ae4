"""What a worker knows of the past: the predictions that wait for their outcome, and the facts that views look up.

It is computed from the state that the loop prepared and from all records that the workers' journals hold since then.
Restoring it and following the other workers are the same. Whatever is in a journal is in the worker state, and the
other way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
import polars as pl

from mlops_lab import clock
from mlops_lab.clock import from_micros, to_micros
from mlops_lab.errors import EnvironmentFault
from mlops_lab.features.view import View
from mlops_lab.journal.epochs import resume_at
from mlops_lab.journal.frames import frame_bytes
from mlops_lab.journal.readers import Follower
from mlops_lab.journal.records import (
    FactRecord,
    OutcomeRecord,
    PredictionRecord,
    PredictionSummary,
    Record,
    RecordSummary,
    RefusalRecord,
    ShadowRecord,
    decode_summaries,
    encode_frames,
)
from mlops_lab.journal.segments import read_journal
from mlops_lab.journal.workers import read_progress, worker_paths
from mlops_lab.journal.writer import Journal
from mlops_lab.outcomes.id_index import LoggedIds
from mlops_lab.outcomes.prediction_index import Outcome, PredictionIndex
from mlops_lab.project import Project
from mlops_lab.serving.answering.known_facts import KnownFacts
from mlops_lab.serving.answering.record_locator import RecordLocator
from mlops_lab.serving.answering.routing_table import RoutingTable
from mlops_lab.serving.answering.schemas import Schemas
from mlops_lab.serving.answering.state_book import read_book
from mlops_lab.tables.trusted_moments import MAX_JUMP
from mlops_lab.tables.verdict import Verdict

_FAR_MICROS = MAX_JUMP // timedelta(microseconds=1)
PREDICTION_INDEX = "book"
"""The folder of a state that is read like a journal: predictions, then their outcomes."""
CONTENTS_FILE = "views.json"


class StateContents(msgspec.Struct, frozen=True):
    """The versions of the views that a state holds facts for, and since when it holds all that requests look up; None:
    it holds all there was."""

    views: tuple[str, ...]
    known_since: datetime | None
    format: Literal[2] = 2


def read_contents(state: Path) -> StateContents | None:
    """What a state holds; None where that is missing or damaged. Older releases wrote the views alone."""
    try:
        found = msgspec.json.decode((state / CONTENTS_FILE).read_bytes(), type=StateContents | tuple[str, ...])
    except (OSError, msgspec.MsgspecError):
        return None
    return found if isinstance(found, StateContents) else StateContents(found, None)


class WorkerState:
    """The state of one worker. Not thread-safe, but a second one may be built in another thread."""

    def __init__(
        self, project: Project, schemas: Schemas, *, routing_table: RoutingTable, views: Sequence[View], own: Path
    ) -> None:
        self._project = project
        self.prediction_index = PredictionIndex(
            within_days=project.settings.source.outcome_within_days,
            read_outcome=self._read_outcome,
            logged=LoggedIds(project.ids_path),
            log=self,
            is_shared=bool(project.settings.lake.uri),
        )
        self._outcome_names = schemas.outcome_names
        self.views = {view.version for view in views}
        """The versions of the views that facts are known for."""
        self.facts = KnownFacts(project, schemas, views=views)
        self._uses_wall_clock = project.settings.project.clock == "wall"
        self.newest: datetime | None = None
        """The latest moment as of which a request was answered. With the machine's clock, none that is far in the
        future: that clock was ahead then, and facts must not be hidden until that time."""
        self.known_since: dict[str, datetime] = {}
        """By table, the earliest moment as of which its facts are looked up: a state lacks some that counted before."""
        self.unscored_shadows: dict[str, int] = {}
        """By the id of a prediction, its version in shadow, which a killed worker had not scored yet."""
        state, journals = project.root / routing_table.state, worker_paths(project.journal_path)
        if (contents := read_contents(state)) is not None and (oldest := contents.known_since) is not None:
            self.known_since = {table: oldest for table, time in schemas.known_at.items() if time}
        self._folders = [state / PREDICTION_INDEX, *journals]
        self._own = self._folders.index(own)
        self._locator = RecordLocator(self._folders)
        self._reached: dict[int, int] = {}
        """By the number of a folder, the position up to which its records were applied."""
        self._unmatched_outcomes: list[tuple[str, int]] = []
        """Ids and locations of outcomes that were read before their predictions, which another worker wrote."""
        self._followers: dict[Path, Follower] = {}
        try:
            self._load_predictions(own)
            self.facts.load(state, known_since=self.known_since)
            known = dict(zip(journals, routing_table.log_positions, strict=False))
            for path in journals:
                since = resume_at(path, known.get(path))
                self._followers[path] = Follower(path, self._load_journal(path, since, own=own))
        except BaseException:
            self.close()
            raise

    # ---- writing and following journals --------------------------------------------------------------------------

    def record(
        self, journal: Journal, records: Sequence[Record], *, moments: Sequence[int] = (), names: Sequence[str] = ()
    ) -> None:
        """Write records to the journal, and apply them. On an EnvironmentFault those that were written are applied.

        `moments`: if all records may be predictions, their times in microseconds since 1970, if known; `names`: of the
        features, where the records hold only the values.
        """
        payloads, before = list(encode_frames(records, names)), journal.position
        try:
            journal.append(payloads)
        except EnvironmentFault:
            for position, payload in read_journal(journal.path, before):
                self._apply_frame(self._own, position, payload)
            raise
        self._apply(records, self._locator.locate(self._own, payloads, since=before), moments=moments)
        self._reached[self._own] = journal.position

    def catch_up(self) -> None:
        """Apply what the journals that are followed hold since the last call."""
        for path, follower in self._followers.items():
            folder = self._folders.index(path)
            for position, payload in follower.read_new():
                self._apply_frame(folder, position, payload)
        for name, location in self._unmatched_outcomes:
            self.prediction_index.add_outcome(name, location)
        self._unmatched_outcomes.clear()

    def finish_restoring(self, own: Path) -> None:
        """Apply all that the journals hold now, and stop following the worker's own: `record` applies what it adds."""
        self.catch_up()
        self._followers.pop(own).close()

    def mark(self) -> dict[int, int]:
        """How far the journals were read."""
        return dict(self._reached)

    def is_stored(self, mark: dict[int, int]) -> bool:
        """Whether all that was read then is in the lake. The state was made from it."""
        stored = dict(enumerate(read_progress(self._project.positions_path).positions, start=1))
        return all(position <= stored.get(folder, 0) for folder, position in mark.items() if folder)

    @property
    def newest_known(self) -> datetime | None:
        """The latest moment of an answer or of a loaded fact."""
        return clock.latest(self.newest, self.facts.loaded_until)

    @property
    def followed(self) -> list[Path]:
        """The journals of the other workers."""
        return list(self._followers)

    def close(self) -> None:
        """Close all files."""
        for follower in self._followers.values():
            follower.close()
        self._locator.close()

    # ---- reading records again -----------------------------------------------------------------------------------

    def read_prediction(self, name: str) -> PredictionRecord | None:
        """The recent prediction with that id, without its features. EnvironmentFault where it cannot be read."""
        prediction = self.prediction_index.find(name)
        if prediction is None:
            return None
        shadow: dict[str, Any] = {}
        if prediction.shadow_location is not None:
            record = self._locator.read(prediction.shadow_location, ShadowRecord)
            shadow = {"shadow_version": record.version, "shadow_output": record.output}
        return msgspec.structs.replace(self._locator.read(prediction.location, PredictionRecord), features={}, **shadow)

    def _read_outcome(self, location: int) -> Outcome:
        record = self._locator.read(location, OutcomeRecord)
        return record.known_at, {name: record.values.get(name) for name in self._outcome_names}

    # ---- applying records ----------------------------------------------------------------------------------------

    def _apply_frame(self, folder: int, position: int, payload: bytes) -> list[RecordSummary]:
        """Apply the records of the frame that ends at that position; returns them. None are in a frame that cannot be
        read: the loop sets it aside."""
        try:
            records = decode_summaries(payload)
        except EnvironmentFault:
            return []
        self._apply(records, self._locator.locate(folder, [payload], since=position - frame_bytes(len(payload))))
        self._reached[folder] = position
        return records

    def _apply(
        self, records: Sequence[Record | RecordSummary], locations: Sequence[int], *, moments: Sequence[int] = ()
    ) -> None:
        if not {*map(type, records)} <= {PredictionRecord, PredictionSummary}:
            for record, location in zip(records, locations, strict=False):
                self._apply_one(record, location)
            return
        predictions = cast("Sequence[PredictionSummary]", records)
        moments = moments or [to_micros(record.at) for record in predictions]
        ids = [record.id for record in predictions]
        self.prediction_index.add(ids, moments, locations[: len(predictions)])
        self._update_newest(moments)

    def _apply_one(self, record: Record | RecordSummary, location: int) -> None:
        match record:
            case PredictionRecord() | PredictionSummary():
                self._apply([record], [location])
            case RefusalRecord():
                self._update_newest([to_micros(record.at)])
            case ShadowRecord():
                self.prediction_index.add_shadow(record.id, location)
            case FactRecord():
                self.facts.add_fact(record)
            case OutcomeRecord(verdict=Verdict.ACCEPTED | Verdict.CORRECTED):
                if not self.prediction_index.add_outcome(record.id, location):
                    self._unmatched_outcomes.append((record.id, location))
                self.facts.add_outcome(record)
            case _:
                pass

    def _update_newest(self, moments: Sequence[int]) -> None:
        newest = max(moments)
        index = self.prediction_index
        if not self._uses_wall_clock or newest <= (now := to_micros(clock.now())):
            index.now = max(index.now, newest)
        else:  # predictions that wait must not become too old by it
            index.now = max(index.now, now)
            newest = max((moment for moment in moments if moment <= now + _FAR_MICROS), default=0)
        if newest and (self.newest is None or newest > to_micros(self.newest)):
            self.newest = from_micros(newest)

    # ---- restoring -----------------------------------------------------------------------------------------------

    def _load_predictions(self, own: Path) -> None:
        path = self._folders[0]
        if not path.is_dir():
            raise EnvironmentFault(
                "the state to start from is missing",
                code="state_missing",
                where=str(path),
                hint="run `mlops tick`: it computes the state again from the lake",
            )
        is_first = own == self._project.journal_path  # only the first worker scores the shadows that are missing there
        if (book := read_book(path)) is not None:
            self._load_book(book, with_shadows=is_first)
        else:
            self._load_journal(path, 0, own=path if is_first else own)

    def _load_book(self, book: pl.DataFrame, *, with_shadows: bool) -> None:
        """Apply the predictions of a state, and their outcomes, all at once."""
        self._locator.open(0)
        if book.is_empty():
            return
        moments = book["at"].to_list()
        self.prediction_index.add(book["id"].to_list(), moments, book["record"].to_list())
        known = book.filter(pl.col("outcome").is_not_null())
        if known.height:
            self.prediction_index.add_outcomes(known["id"].to_list(), known["at"].to_list(), known["outcome"].to_list())
        if with_shadows:
            waiting = book.filter(pl.col("unscored").is_not_null())
            self.unscored_shadows.update(waiting.select("id", "unscored").iter_rows())
        self._update_newest(moments)

    def _load_journal(self, path: Path, since: int, *, own: Path) -> int:
        """Apply the records of a journal after `since`; returns the position after the last."""
        folder, reached = self._folders.index(path), since
        for reached, payload in read_journal(path, since):
            for record in self._apply_frame(folder, reached, payload):
                if path == own:
                    self._track_shadow(record)
        return reached

    def _track_shadow(self, record: RecordSummary) -> None:
        if isinstance(record, PredictionSummary) and record.shadow_version is not None and record.shadow_output is None:
            self.unscored_shadows[record.id] = record.shadow_version
        elif isinstance(record, ShadowRecord):
            self.unscored_shadows.pop(record.id, None)
