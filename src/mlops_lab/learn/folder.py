"""The learner's folder: the files of each exercise, handed out once, and the progress file."""

from __future__ import annotations

import filecmp
import shutil
from itertools import count, takewhile
from pathlib import Path

from mlops_lab.errors import Conflict, NotFound
from mlops_lab.files import disk_fault
from mlops_lab.learn.catalog import read_exercises
from mlops_lab.learn.exercise import Exercise
from mlops_lab.learn.progress import PROGRESS_FILE, Progress, write_progress

FOLDER = "mlops-learn"
README = "README.md"
TASK = """# {title}

{story}

**Where it happened.** {world}

Files: {files}. Save one, and `mlops learn` says what it sees. Stuck? `mlops learn hint`.
"""


def find_folder(start: Path) -> Path:
    """The learner's folder: `start`, one above it, or `mlops-learn` in it; NotFound where there is none."""
    start = start.absolute()
    for folder in (start, *start.parents, start / FOLDER):
        if (folder / PROGRESS_FILE).is_file():
            return folder
    raise NotFound("there is no folder of exercises", code="no_learn_folder", where=str(start), hint="mlops learn")


def open_folder(start: Path) -> Path:
    """The learner's folder, which is made where there is none: as `mlops-learn` in `start`.

    Exercises that are new in this release are handed out; what is there already stays as it is.
    """
    try:
        folder = find_folder(start)
    except NotFound:
        folder = start.absolute() / FOLDER
        _make_folder(folder)
    for exercise in read_exercises():
        if not work_folder(folder, exercise).exists():
            hand_out(folder, exercise)
    return folder


def _make_folder(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(
            "is there already, and is no folder of exercises",
            code="folder_in_use",
            where=str(folder),
            hint="rename it, or run `mlops learn` in another folder",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_fault(error, folder) from error
    write_progress(folder, Progress(current=read_exercises()[0].name))


def work_folder(folder: Path, exercise: Exercise) -> Path:
    """Where the learner edits the files of an exercise."""
    return folder / exercise.phase / exercise.name


def hand_out(folder: Path, exercise: Exercise) -> None:
    """Copy the files of an exercise, and its task as README.md, into the learner's folder."""
    target = work_folder(folder, exercise)
    text = exercise.text
    try:
        shutil.copytree(exercise.folder / "start", target)
        files = ", ".join(f"`{name}`" for name in exercise.files)
        task = TASK.format(title=text.title, story=text.story.strip(), world=text.world.strip(), files=files)
        (target / README).write_text(task, encoding="utf-8")
    except OSError as error:
        raise disk_fault(error, target) from error


def reset(folder: Path, exercise: Exercise) -> Path | None:
    """The folder in which the learner's files are kept, after handing an exercise out again; None: nothing is lost
    without a copy. Files that a former reset has kept are not kept twice."""
    target = work_folder(folder, exercise)
    if not target.exists():
        hand_out(folder, exercise)
        return None
    names = (target.with_name(f"{target.name}.old-{number}") for number in count(1))
    former = list(takewhile(Path.exists, names))
    kept = target.with_name(f"{target.name}.old-{len(former) + 1}")
    target.rename(kept)
    hand_out(folder, exercise)
    known = next((other for other in (target, *former) if _has_same_files(kept, other)), None)
    if known is None:
        return kept
    shutil.rmtree(kept)
    return known if known != target else None


def _has_same_files(one: Path, other: Path) -> bool:
    names = _list_files(one)
    return names == _list_files(other) and len(filecmp.cmpfiles(one, other, names, shallow=False)[0]) == len(names)


def _list_files(folder: Path) -> list[str]:
    """What lies in a folder, without what Python leaves there when the learner's code is run."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(str(path) for path in paths if "__pycache__" not in path.parts)
