"""How far a learner is with a lab: one file in its folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from mlops_lab.errors import NotFound
from mlops_lab.files import locked
from mlops_lab.learn.labs.data.layout import SHOP, Kind
from mlops_lab.learn.learner_file import read_learner_file, write_learner_file

STATE_FILE = "mlops-lab.json"
FORMAT = 2
_OLD_MAX_LOSS = {"notebook-to-service": 0.48, "planted-skew": 0.42, "on-call": 0.42}
"""What the checks of format 1, whose labs are all about the shop, allowed."""
_RENAMED_CHECKS = {"grams": "unit"}


class LabState(Struct, kw_only=True):
    """`started`: when it was handed out; `passed`: when each check passed for the first time, both as ISO 8601;
    `hints`: how many hints of each check were shown. `data`: the shop, the flights, or a table of the learner's own,
    whose rows `seed` chooses; `max_loss`: the greatest log loss of good answers to hidden rows, where a check asks."""

    format: int = FORMAT
    lab: str
    seed: int
    started: str
    data: Kind = SHOP
    max_loss: float | None = None
    passed: dict[str, str] = {}
    hints: dict[str, int] = {}


def find_lab_folder(start: Path) -> Path:
    """The folder of a lab: `start`, or one above it; NotFound where there is none."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / STATE_FILE).is_file():
            return folder
    hint = "mlops lab start NAME makes one; `mlops lab list` names them"
    raise NotFound("there is no lab", code="no_lab_folder", where=str(start), hint=hint)


def read_state(folder: Path) -> LabState:
    """The state in a lab's folder; InvalidInput where the file cannot be read."""
    state = read_learner_file(
        folder / STATE_FILE,
        LabState,
        newest_format=FORMAT,
        what="state of a lab",
        code="bad_lab",
        hint="mend the file, or start the lab again in another folder",
    )
    return _renew(state) if state.format < FORMAT else state


def _renew(state: LabState) -> LabState:
    """A state of an older format as one of today's."""
    state.passed = {_RENAMED_CHECKS.get(name, name): moment for name, moment in state.passed.items()}
    state.hints = {_RENAMED_CHECKS.get(name, name): shown for name, shown in state.hints.items()}
    state.max_loss = _OLD_MAX_LOSS.get(state.lab)
    state.format = FORMAT
    return state


def write_state(folder: Path, state: LabState) -> None:
    """Replace the file."""
    write_learner_file(folder / STATE_FILE, state)


@contextmanager
def changed_state(folder: Path) -> Iterator[LabState]:
    """The state, which is written when the block ends. Other processes wait."""
    with locked(folder):
        state = read_state(folder)
        yield state
        write_state(folder, state)
