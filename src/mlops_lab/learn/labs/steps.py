"""What a learner does with a lab: start it, check it, take a hint."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from mlops_lab.clock import now
from mlops_lab.errors import EnvironmentFault, InvalidInput, MlopsError
from mlops_lab.exporters.folder import fill_new_folder
from mlops_lab.learn.checking import Mistake
from mlops_lab.learn.exercise import HINTS
from mlops_lab.learn.folder import README
from mlops_lab.learn.labs.catalog import find_check, find_lab
from mlops_lab.learn.labs.data.cases import LabData
from mlops_lab.learn.labs.data.open import SHOP_CHOICE, DataChoice, open_data, prepare_data
from mlops_lab.learn.labs.lab import CheckText, Lab
from mlops_lab.learn.labs.state import LabState, changed_state, read_state, write_state
from mlops_lab.learn.labs.work import LabWork
from mlops_lab.learn.result import PASSED

WAITS: Final = "waits"
"""The key of a check that waits for another one."""
MAX_BYTES = 1_000_000_000
_LEFT_OUT = frozenset({".venv", "__pycache__", "node_modules"})


class CheckOutcome(Struct, frozen=True, kw_only=True):
    """What a check said. `key` is `passed`, or `waits` (then `seen` names another check), or names the message."""

    check: CheckText
    key: str
    seen: str = ""
    expected: str = ""

    @property
    def passed(self) -> bool:
        """Whether it passed."""
        return self.key == PASSED


def start_lab(lab: Lab, folder: Path, *, seed: int, choice: DataChoice = SHOP_CHOICE) -> None:
    """Make a lab in a new or empty folder: its story, its files, its state. All of it, or nothing.

    InvalidInput says what the learner's own table lacks."""
    _check_programs(lab)
    with fill_new_folder(folder) as draft:
        program = lab.load()
        kind, data = prepare_data(draft, choice, program.NEEDS, seed=seed)
        max_loss = program.start(draft, data)
        (draft / README).write_text(lab.write_story(data.layout), encoding="utf-8")
        started = now().isoformat(timespec="seconds")
        write_state(draft, LabState(lab=lab.name, seed=seed, started=started, data=kind, max_loss=max_loss))


def _check_programs(lab: Lab) -> None:
    if missing := [program for program in lab.text.programs if shutil.which(program) is None]:
        what = f"{lab.name} needs {missing[0]}, which is not installed"
        raise EnvironmentFault(what, code="missing_program", hint=f"install {missing[0]}, or take another lab")


def check_lab(folder: Path, *, only: str | None = None) -> Iterator[CheckOutcome]:
    """What each check says of a copy of the lab, one after the other; or only the one of this name."""
    state = read_state(folder)
    lab, data = open_lab(folder, state)
    _check_programs(lab)
    chosen = [find_check(lab, only)] if only else lab.text.checks
    functions, failed = lab.load().CHECKS, set[str]()
    for check in chosen:
        waits_for = [name for name in check.after if name in failed]
        if waits_for:
            outcome = CheckOutcome(check=check, key=WAITS, seen=waits_for[0])
        else:
            outcome = _run_check(folder, check, functions[check.name], state, data)
        if outcome.passed:
            with changed_state(folder) as changed:
                changed.passed.setdefault(check.name, now().isoformat(timespec="seconds"))
        else:
            failed.add(check.name)
        yield outcome


def open_lab(folder: Path, state: LabState) -> tuple[Lab, LabData]:
    """The lab in a folder, in the words of its data; and its data."""
    lab = find_lab(state.lab)
    data = open_data(folder, state.data, lab.load().NEEDS, seed=state.seed)
    return lab.with_words(data.layout), data


def _run_check(
    folder: Path, check: CheckText, function: Callable[[LabWork], None], state: LabState, data: LabData
) -> CheckOutcome:
    """Run a check on a copy. Whatever is wrong with the learner's project becomes a part of its outcome."""
    with tempfile.TemporaryDirectory(prefix="mlops-lab-", ignore_cleanup_errors=True) as name:
        copy, scratch = Path(name, "lab"), Path(name, "scratch")
        copy_folder(folder, copy)
        scratch.mkdir()
        try:
            function(LabWork(copy, scratch, state.started, data, state.max_loss))
        except Mistake as mistake:
            return CheckOutcome(check=check, key=mistake.key, seen=mistake.seen, expected=mistake.expected)
        except MlopsError as error:
            seen = str(error).replace(str(copy), str(folder))
            expected = "a project that works" + (f" (hint: {error.hint})" if error.hint else "")
            return CheckOutcome(check=check, key=error.code, seen=seen, expected=expected)
    return CheckOutcome(check=check, key=PASSED)


def copy_folder(folder: Path, target: Path) -> None:
    """Copy a lab's folder without what does not belong to it; InvalidInput where it is far too large."""
    total = 0

    def leave_out(where: str, names: list[str]) -> set[str]:
        nonlocal total
        left_out = {*names} & _LEFT_OUT
        for name in {*names} - left_out:
            found = os.lstat(os.path.join(where, name))
            if stat.S_ISREG(found.st_mode):
                total += found.st_size
            elif not stat.S_ISDIR(found.st_mode) and not stat.S_ISLNK(found.st_mode):
                left_out.add(name)  # a socket of a server that runs
        if total > MAX_BYTES:
            what = f"holds more than {MAX_BYTES / 1e9:.0f} GB; a check copies it"
            raise InvalidInput(what, code="too_large", where=str(folder), hint="move what is not part of the lab")
        return left_out

    shutil.copytree(folder, target, symlinks=True, ignore=leave_out)


def take_hint(folder: Path, name: str | None = None) -> tuple[CheckText, int]:
    """The check (of this name, or the first that has not passed) and the number of its next hint, from 1. The last one
    is repeated."""
    with changed_state(folder) as state:
        lab, _ = open_lab(folder, state)
        open_checks = [check for check in lab.text.checks if check.name not in state.passed]
        check = find_check(lab, name) if name else (open_checks or lab.text.checks)[0]
        number = min(state.hints.get(check.name, 0) + 1, HINTS)
        state.hints[check.name] = number
    return check, number
