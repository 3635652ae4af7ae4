"""The process that grades: runs the `check.py` of an exercise on a copy of the learner's files.

`python -m mlops_lab.learn.grader MODULES…` imports the modules, then waits for one `Job`, as a line of JSON on stdin.
"""

from __future__ import annotations

import errno
import importlib
import os
import runpy
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from mlops_lab.learn.checking import Mistake, Work
from mlops_lab.learn.guard import MAX_FILE_BYTES, MAX_MEMORY_BYTES, install_guard, limit_resources
from mlops_lab.learn.missing_return import find_missing_return
from mlops_lab.learn.result import PASSED, CheckResult

RAISED: Final = "raised"
PRINTED_FILE, RESULT_FILE = "printed.txt", "result.json"


def grade(check_file: Path, folder: Path, seed: int) -> CheckResult:
    """The result of a check. Whatever the learner's code raises becomes a part of it."""
    work = Work(folder=folder / "work", scratch=folder / "scratch", seed=seed)
    check = runpy.run_path(str(check_file))["check"]
    try:
        check(work)
    except Mistake as mistake:
        result = CheckResult(key=mistake.key, seen=mistake.seen, expected=mistake.expected)
        return _describe_line_ends(work.folder) or _describe_missing_return(work, check_file) or result
    except SyntaxError as error:
        name = Path(error.filename or "").name
        place = f"{name}, line {error.lineno}" if error.lineno else name
        seen = f"{type(error).__name__}: {error.msg}"
        return CheckResult(key="syntax", seen=seen, expected="a file that Python can read", where=place)
    except (Exception, SystemExit) as error:
        result = _describe(error, work.folder)
        return result if result.key == RAISED else _describe_missing_return(work, check_file) or result
    return CheckResult(key=PASSED)


def _describe(error: BaseException, folder: Path) -> CheckResult:
    """An exception: where the learner's code raised it; or that the check could not use what the code returned."""
    what = f"{type(error).__name__}: {error}{_explain(error)}"
    given = "".join(f"{note}: " for note in getattr(error, "__notes__", []))
    places = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == folder]
    if places:
        place = f"{Path(places[-1].filename).name}, line {places[-1].lineno}"
        return CheckResult(key=RAISED, seen=f"{given}it raised {what}", expected="a result", where=place)
    if isinstance(error, UnicodeDecodeError):
        seen = f"a file of the exercise is no text in UTF-8: {error.reason} at byte {error.start}"
        return CheckResult(key="bad-file", seen=seen, expected="a text file, saved as UTF-8")
    seen = f"{given}what your code returned could not be used: {what}"
    return CheckResult(key="unusable", seen=seen, expected="a result of the kind that the task describes")


def _explain(error: BaseException) -> str:
    """What an exception means in a check, where it would not be seen at once."""
    match error:
        case EOFError():
            return " (nobody types while a check runs: `input` has no answer)"
        case SystemExit():
            return " (it ended the program instead of giving a result)"
        case MemoryError():
            return f" (it needs more than {MAX_MEMORY_BYTES / 1e9:.0f} GB)"
        case OSError(errno=errno.EFBIG):
            return f" (it writes or prints more than {MAX_FILE_BYTES / 1e6:.0f} MB)"
    return ""


def _describe_line_ends(folder: Path) -> CheckResult | None:
    """What a check that failed says of a script that an editor of Windows has saved; None where there is none."""
    for path in sorted(folder.glob("*.sh")):
        if b"\r\n" in path.read_bytes():
            seen = f"the lines of {path.name} end as on Windows: bash takes \\r for a part of the last word"
            return CheckResult(key="line-ends", seen=seen, expected="lines that end with \\n alone")
    return None


def _describe_missing_return(work: Work, check_file: Path) -> CheckResult | None:
    """What a check that failed says of a function without a `return`; None where each has one."""
    if (name := find_missing_return(work.loaded, work.folder, check_file.parent / "solution")) is None:
        return None
    seen = f"`{name}` returned nothing: is a `return` missing?"
    return CheckResult(key="no-return", seen=seen, expected=f"a result of `{name}`, as the task describes it")


class Job(Struct, frozen=True, kw_only=True):
    """What to grade. `folder` has the copy of the learner's files in `work`; it gets `result.json`."""

    check_file: str
    folder: str
    seed: int


def main(preload: list[str]) -> None:
    """Import what checks need, wait for a job on stdin, grade it, write its result."""
    for module in preload:
        importlib.import_module(module)
    line = sys.stdin.readline()
    if not line:  # the parent has ended, or has no job
        return
    job = msgspec.json.decode(line, type=Job)
    folder = Path(job.folder)
    _settle_in(folder)
    result = grade(Path(job.check_file), folder, job.seed)
    (folder / RESULT_FILE).write_bytes(msgspec.json.encode(result))


def _settle_in(folder: Path) -> None:
    """Work in the folder of the job from now on: also what is printed, and temporary files."""
    os.chdir(folder / "work")
    scratch = str(folder / "scratch")
    os.environ.update(HOME=scratch, TMPDIR=scratch)
    tempfile.tempdir = scratch
    printed = os.open(folder / PRINTED_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, printed), (2, printed)):
        os.dup2(source, target)
    sys.dont_write_bytecode = True
    install_guard(folder)
    limit_resources()


if __name__ == "__main__":
    main(sys.argv[1:])
