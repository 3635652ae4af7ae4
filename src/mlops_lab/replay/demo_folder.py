"""The folder of a demo: the span that is replayed in it, and what may be started, continued or replaced there."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from mlops_lab.errors import InvalidInput
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.loop.days import measured_until
from mlops_lab.project import CONFIG_NAME, PIPELINE_NAME, load_project
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.tables.open_lake import open_lake

MARKER = ".demo.json"
EARLIEST, LATEST = date(2013, 2, 15), date(2013, 12, 31)
FIRST, LAST = date(2013, 3, 1), LATEST
"""The span of a demo for which none is asked."""


class ReplaySpan(msgspec.Struct, frozen=True):
    """The first and the last day of a replay, stored in the demo's folder so that it can continue."""

    first: date
    last: date


@dataclass(frozen=True)
class DemoOptions:
    """The options of `mlops demo`. `resume` continues the demo in the folder, up to its last day or to `last`.

    A day that is None was not asked for.
    """

    folder: Path
    first: date | None = None
    last: date | None = None
    resume: bool = False
    fresh: bool = False


def open_folder(options: DemoOptions) -> ReplaySpan:
    """The span to replay; InvalidInput where the folder and the options do not fit together."""
    marker = options.folder / MARKER
    if options.resume:
        return _continue_span(options, marker)
    span = ReplaySpan(options.first or FIRST, options.last or LAST)
    if span.first > span.last or span.first < EARLIEST or span.last > LATEST:
        raise InvalidInput(
            f"{span.first} to {span.last} cannot be replayed",
            code="bad_span",
            where="--from, --to",
            hint=f"choose days from {EARLIEST} (the first model is trained on earlier ones) to {LATEST}",
        )
    if marker.is_file() and options.fresh:
        remove_demo(options.folder)
    elif marker.is_file():
        raise InvalidInput(
            "this folder already holds a demo",
            code="demo_exists",
            where=str(options.folder),
            hint="continue it with --resume, replace it with --fresh, or name another folder with --dir",
        )
    elif options.folder.exists() and any(options.folder.iterdir()):
        raise InvalidInput(
            "the folder is not empty, and is no demo",
            code="folder_taken",
            where=str(options.folder),
            hint="name an empty or a new folder with --dir",
        )
    return span


def _continue_span(options: DemoOptions, marker: Path) -> ReplaySpan:
    """The span of the demo in the folder, with the last day that is asked for; that is stored, so that it can be
    continued again."""
    if not marker.is_file():
        raise InvalidInput(
            "there is no demo to continue",
            code="no_demo",
            where=str(options.folder),
            hint="start one with `mlops demo`, or name its folder with --dir",
        )
    span = msgspec.json.decode(marker.read_bytes(), type=ReplaySpan)
    if options.fresh:
        raise InvalidInput("cannot be used together", code="bad_option", where="--resume, --fresh", hint="choose one")
    if options.first not in (None, span.first):
        raise InvalidInput(
            f"the demo in {options.folder} begins on {span.first}",
            code="bad_span",
            where="--from",
            hint="leave --from out; `mlops demo --fresh` begins again",
        )
    if options.last in (None, span.last):
        return span
    earliest = _begun_day(options.folder) or span.first
    if not earliest <= options.last <= LATEST:
        raise InvalidInput(
            f"the demo in {options.folder} cannot end on {options.last}: it is on {earliest} now",
            code="bad_span",
            where="--to",
            hint=f"leave --to out, or choose a later day; {LATEST} is the last one",
        )
    continued = ReplaySpan(span.first, options.last)
    write_atomically(marker, msgspec.json.encode(continued))
    return continued


def _begun_day(folder: Path) -> date | None:
    """The day after the last one that was measured: some of its requests may have been sent. None before the first."""
    project = load_project(folder)
    lake = open_lake(project)
    until = measured_until(lake, read_decisions(lake))
    return until.astimezone(ZoneInfo(project.timezone)).date() if until else None


def remove_demo(folder: Path) -> None:
    """Remove the files that a demo wrote, and no others."""
    try:
        for name in (".mlops", "data", "__pycache__"):
            shutil.rmtree(folder / name, ignore_errors=not (folder / name).exists())
        for name in (CONFIG_NAME, PIPELINE_NAME, "report.html", MARKER):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise disk_fault(error, folder) from error
