"""What happens while `mlops learn` runs: a file is saved, another exercise is chosen, a word is typed."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import TextIO

from watchfiles import Change, watch

from mlops_lab.errors import MlopsError
from mlops_lab.learn.catalog import read_exercises
from mlops_lab.learn.exercise import Exercise
from mlops_lab.learn.folder import README, work_folder
from mlops_lab.learn.progress import PROGRESS_FILE, read_progress

DEBOUNCE_MS = 60
"""Editors write a file in several steps: what happens within this time is one save."""


@dataclass(frozen=True)
class Saved:
    """The learner saved a file of this exercise."""

    exercise: Exercise


@dataclass(frozen=True)
class ProgressChanged:
    """Another command changed the progress file; `current` is the name of the exercise under way."""

    current: str


@dataclass(frozen=True)
class Typed:
    """A line was typed."""

    word: str


WatchEvent = Saved | ProgressChanged | Typed


def watch_folder(folder: Path, typed: TextIO) -> Generator[WatchEvent]:
    """What happens from now on, one after the other. An error of the watching threads is raised."""
    events: SimpleQueue[WatchEvent | BaseException] = SimpleQueue()
    stop = Event()
    Thread(target=_follow_files, args=(folder, events, stop), daemon=True).start()
    Thread(target=_follow_lines, args=(typed, events), daemon=True).start()
    return _read_events(events, stop)  # a generator of its own: the threads do not wait until it is first asked


def _read_events(events: SimpleQueue[WatchEvent | BaseException], stop: Event) -> Generator[WatchEvent]:
    try:
        while True:
            event = events.get()
            if isinstance(event, BaseException):
                raise event
            yield event
    finally:
        stop.set()


def _follow_files(folder: Path, events: SimpleQueue[WatchEvent | BaseException], stop: Event) -> None:
    try:
        for changes in watch(folder, debounce=DEBOUNCE_MS, step=20, stop_event=stop, raise_interrupt=False):
            for event in read_changes(folder, changes):
                events.put(event)
    except Exception as error:  # reaches the caller, who waits for events
        events.put(error)


def _follow_lines(typed: TextIO, events: SimpleQueue[WatchEvent | BaseException]) -> None:
    for line in typed:  # ends where there is no terminal
        events.put(Typed(line.strip()))


def read_changes(folder: Path, changes: set[tuple[Change, str]]) -> list[WatchEvent]:
    """The events in a set of changed paths: each exercise once."""
    gone = {Path(path) for kind, path in changes if kind == Change.deleted and not Path(path).exists()}
    paths = {Path(path) for kind, path in changes if kind != Change.deleted}
    events: list[WatchEvent] = []
    for exercise in read_exercises():
        files = {work_folder(folder, exercise) / name for name in exercise.files}
        inside = {path for path in paths if work_folder(folder, exercise) in path.parents and path.suffix == ".py"}
        if (files | inside) & paths - {work_folder(folder, exercise) / README} or files & gone:
            events.append(Saved(exercise))
    if folder / PROGRESS_FILE in paths:
        try:
            events.append(ProgressChanged(read_progress(folder).current))
        except (MlopsError, OSError):
            return events  # a person edits it; the next command says what is wrong with it
    return events
