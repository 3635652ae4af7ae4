"""The ground of drills: a copy of a project that is given its own past again, and has lived up to a day.

The copy is made from a backup. It forgets all that it knows, is given the rows that were known on a past day, trains
its first version as of that day, and lives through some weeks with a real server and the real loop. Drills then run in
copies of this copy. Its clock is that of its data, its server listens on loopback, and its alerts are sent nowhere.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from mlops_lab.clock import day_start
from mlops_lab.drills.history import Facts, History, known_before, read_history
from mlops_lab.drills.play import DrillReplay, Played, read_played
from mlops_lab.inference.predictor import Predictor
from mlops_lab.loop.tick import Loop
from mlops_lab.project import LOCAL_LAKE, Project, load_project
from mlops_lab.project.declaration import SourceSection, TableSection
from mlops_lab.replay.stream import Stream
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_champion, load_predictor
from mlops_lab.runtime.backup import make_backup
from mlops_lab.runtime.restore import restore_backup
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.training.progress import Report

_OWN_FLAGS = (
    "project.clock=data",
    LOCAL_LAKE,
    "serving.host=127.0.0.1",
    "serving.workers=1",
    "serving.predict_token=false",
    "serving.tls_certificate=",
    "serving.tls_key=",
    "serving.online_store=memory",
    "tracking.uri=",
)
Section = TypeVar("Section", SourceSection, TableSection)
_DATA = Path(".mlops-drill")
"""In the copy: its data, as files."""


@dataclass
class Ground:
    """A copy of a project as it was when `history.fault_day` began, in `folder`, and its days from then on."""

    folder: Path
    project: Project
    history: History
    report: Report
    _forks: int = 0
    _twin: Played | None = None
    champion: Predictor = field(init=False)

    def __post_init__(self) -> None:
        decisions = read_decisions(open_lake(self.project))
        self.champion = load_predictor(self.project, decisions, find_champion(decisions).version)

    @property
    def start(self) -> datetime:
        """When the first day begins that the copy has lived."""
        return day_start(self.history.first, self.project.timezone)

    @property
    def since(self) -> datetime:
        """When the day begins with which faults begin."""
        return day_start(self.history.fault_day, self.project.timezone)

    @property
    def days(self) -> list[date]:
        """The days that are played with a fault."""
        count = (self.history.last - self.history.fault_day).days + 1
        return [self.history.fault_day + timedelta(days=number) for number in range(count)]

    def fork(self, *flags: str) -> Project:
        """A new copy of the copy, in a folder of its own, ready to be served."""
        self._forks += 1
        target = self.folder / f"copy-{self._forks}"
        restore_backup(self.folder / "lived", target)
        project = _open_copy(target, [*self.project.layers.flags, *flags])
        Loop(project).act(new_state=True)
        return project

    def stream(self, project: Project, facts: Facts) -> Stream:
        """What happens in the copy from its first day on."""
        return Stream(project, facts, first=self.history.first, last=self.history.last)

    @property
    def twin(self) -> Played:
        """The days without a fault."""
        if self._twin is None:
            project = self.fork()
            replay = DrillReplay(project, self.stream(project, self.history.facts))
            with replay.serve() as client:
                for day in self.days:
                    self.report(f"healthy twin: {day}")
                    replay.play_day(day, client)
            self._twin = read_played(replay, since=self.since)
        return self._twin


def make_ground(project: Project, folder: Path, *, needs_days: bool, report: Report) -> Ground:
    """A ground in an empty folder. InvalidInput, and the project is as it was, where its history is too short."""
    read_history(project, open_lake(project), needs_days=needs_days)  # before the work, not after it
    report("copy")
    make_backup(project, folder / "backup")
    root = folder / "project"
    restore_backup(folder / "backup", root)
    shutil.rmtree(folder / "backup")
    flags = [*project.layers.flags, *_OWN_FLAGS]
    opened = load_project(root, flags=flags)
    history = read_history(opened, open_lake(opened), needs_days=needs_days)
    shutil.rmtree(opened.home)
    _write_data(opened, known_before(opened, history.facts, history.first))
    copy = _open_copy(root, flags)
    stream = Stream(copy, history.facts, first=history.first, last=history.last)
    replay = DrillReplay(copy, stream)
    replay.bootstrap()
    if history.first < history.fault_day:
        with replay.serve() as client:
            for day in stream.days:
                if day < history.fault_day:
                    report(f"a usual day: {day}")
                    replay.play_day(day, client)
    replay.finish()
    make_backup(copy, folder / "lived")
    return Ground(folder, copy, history, report)


def _write_data(project: Project, facts: Facts) -> None:
    (project.root / _DATA).mkdir()
    for name, rows in facts.items():
        rows.write_parquet(project.root / _DATA / f"{name}.parquet")


def _open_copy(root: Path, flags: list[str]) -> Project:
    """The project in a copy: it reads its own data files, and sends alerts nowhere."""
    project = load_project(root, flags=flags)
    settings = project.settings
    return replace(
        project,
        settings=msgspec.structs.replace(
            settings,
            source=_reading(settings.source, settings.source.table),
            tables={name: _reading(table, name) for name, table in settings.tables.items()},
            alerts=msgspec.structs.replace(settings.alerts, channels={}),
        ),
    )


def _reading(section: Section, name: str) -> Section:
    """The section of a table whose rows are in a file of the copy."""
    return msgspec.structs.replace(
        section,
        data=str(_DATA / f"{name}.parquet"),
        query=None,
        rename={},
        skip=[],
        names=[],
        encoding=None,
        sheet=None,
    )
