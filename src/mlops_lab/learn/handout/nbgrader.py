"""`mlops learn export --to nbgrader`: a course folder. An assignment is a phase, a notebook an exercise."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlops_lab.learn.exercise import Exercise
from mlops_lab.learn.folder import README

SCHEMA_VERSION = 3
"""Of nbgrader's metadata of a cell."""
_CONFIG = """c = get_config()
c.CourseDirectory.course_id = "mlops"
"""
_README = """# A course for nbgrader

Written by `mlops learn export --to nbgrader`. nbgrader, and where students' notebooks run, need `{requirement}`.

```sh
nbgrader generate_assignment {phase}
nbgrader collect {phase}
nbgrader autograde {phase}
```

A notebook writes the files of its exercise into a folder beside it; its last cell checks them on hidden data, and is
worth a point for each minute. All students get the same hidden data: seed {seed}.
"""
TASK = "# {title}\n\n{story}\n\n**Where it happened.** {world}\n\nRepair {files}: run each cell again after a change."


def write_course(folder: Path, exercises: Sequence[Exercise], *, seed: int, requirement: str) -> None:
    """Write the files of a course into an empty folder."""
    for exercise in exercises:
        notebook = folder / "source" / exercise.phase / f"{exercise.name}.ipynb"
        notebook.parent.mkdir(parents=True, exist_ok=True)
        notebook.write_text(json.dumps(make_notebook(exercise, seed=seed), indent=1) + "\n", encoding="utf-8")
    (folder / "nbgrader_config.py").write_text(_CONFIG, encoding="utf-8")
    text = _README.format(requirement=requirement, phase=exercises[0].phase, seed=seed)
    (folder / README).write_text(text, encoding="utf-8")


def make_notebook(exercise: Exercise, *, seed: int) -> dict[str, Any]:
    """The notebook of an exercise: its task, a cell for each file, and the cell that grades."""
    text, name = exercise.text, exercise.name
    files = {file: (exercise.folder / "start" / file).read_text(encoding="utf-8") for file in exercise.files}
    named = ", ".join(f"`{file}`" for file in files)
    task = TASK.format(title=text.title, story=text.story.strip(), world=text.world.strip(), files=named)
    check = f'from mlops_lab.learn.handout.notebook_check import assert_solved\n\nassert_solved("{name}", seed={seed})'
    return {
        "cells": [
            {"cell_type": "markdown", "id": "task", "metadata": {}, "source": task},
            _code("folder", f'from pathlib import Path\n\nPath("{name}").mkdir(exist_ok=True)'),
            *(
                _code(f"file-{n}", f"%%writefile {name}/{file}\n{content}")
                for n, (file, content) in enumerate(files.items())
            ),
            _code("check", check, nbgrader=_graded(name, points=text.minutes)),
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def make_code_cell(source: str, **metadata: Any) -> dict[str, Any]:
    """A cell of code that has not run."""
    return {"cell_type": "code", "metadata": metadata, "source": source, "execution_count": None, "outputs": []}


def _code(id_: str, source: str, **metadata: Any) -> dict[str, Any]:
    return {"id": id_, **make_code_cell(source, **metadata)}


def _graded(name: str, *, points: int) -> dict[str, Any]:
    """The metadata of a cell of tests: students cannot change it, and it gives the points if it raises nothing."""
    kind = {"grade": True, "locked": True, "solution": False, "task": False, "cell_type": "code"}
    return {**kind, "grade_id": f"{name}-check", "points": points, "schema_version": SCHEMA_VERSION}
