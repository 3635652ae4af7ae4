"""Grading: a copy of the learner's files is checked in a process of its own, which has a time limit."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from msgspec import Struct

from mlops_lab.errors import EnvironmentFault, InvalidInput, NotFound
from mlops_lab.learn.exercise import Exercise
from mlops_lab.learn.grader import PRINTED_FILE, Job
from mlops_lab.learn.process import LIMIT_SECONDS, GradingProcess
from mlops_lab.learn.result import PASSED, CheckResult

MAX_BYTES = 20_000_000
PRINTED_LINES = 10


class Verdict(Struct, frozen=True, kw_only=True):
    """The result of a check, the last lines that the learner's code printed, and how long it took."""

    result: CheckResult
    printed: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the exercise is solved."""
        return self.result.key == PASSED


def check_work(
    exercise: Exercise,
    work: Path,
    *,
    seed: int,
    process: GradingProcess | None = None,
    limit_seconds: float = LIMIT_SECONDS,
) -> Verdict:
    """The verdict on the files in `work`, which are only read; by the process, or by one that is started now.

    NotFound or InvalidInput where the folder cannot be graded; EnvironmentFault where a program is missing.
    """
    _check_programs(exercise)
    _check_size(work)
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="mlops-learn-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        shutil.copytree(work, folder / "work", symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "scratch").mkdir()
        (folder / PRINTED_FILE).touch()
        job = Job(check_file=str(exercise.check_file), folder=name, seed=seed)
        result = (process or GradingProcess()).run(job, limit_seconds=limit_seconds)
        printed = (folder / PRINTED_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    return Verdict(
        result=result,
        printed="\n".join(printed[-PRINTED_LINES:]),
        seconds=time.perf_counter() - begin,
    )


def _check_programs(exercise: Exercise) -> None:
    if missing := [program for program in exercise.text.programs if shutil.which(program) is None]:
        raise EnvironmentFault(
            f"{exercise.name} needs {missing[0]}, which is not installed",
            code="missing_program",
            hint=f"install {missing[0]}, or go on with `mlops learn next`",
        )


def _check_size(work: Path) -> None:
    """An error where the learner's folder is gone, or far larger than the exercise."""
    if not work.is_dir():
        what = "the folder of the exercise is gone"
        raise NotFound(what, code="no_exercise_folder", where=str(work), hint="mlops learn reset")
    size = sum(path.lstat().st_size for path in work.rglob("*"))
    if size > MAX_BYTES:
        what = f"holds {size / 1e6:,.0f} MB; a check copies it, and stops at {MAX_BYTES / 1e6:.0f} MB"
        raise InvalidInput(what, code="too_large", where=str(work), hint="move what does not belong to the exercise")
