"""`mlops learn export --to otter`: notebooks for Otter Assign, one for each exercise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mlops_lab.learn.exercise import Exercise
from mlops_lab.learn.folder import README
from mlops_lab.learn.handout.nbgrader import TASK, make_code_cell

_README = """# Exercises for Otter

Written by `mlops learn export --to otter`. Otter, and where students' notebooks run, need `{requirement}`.

```sh
otter assign {phase}/{name}.ipynb made
otter run --autograder made/autograder/{name}-autograder_*.zip {name}.ipynb
```

`otter assign` writes two folders: `made/student` is handed out, and `made/autograder` grades. In the second line, the
notebook is one that a student has handed in; `otter grade` grades many of them in containers. Each test is worth a
point for each minute of its exercise, and checks the files on hidden data. All
students get the same hidden data: seed {seed}.
"""
_CONFIG = """# ASSIGNMENT CONFIG
name: {name}
init_cell: true
check_all_cell: false
export_cell: false
generate: true
run_tests: false
requirements:
  - {requirement}
"""
_QUESTION = """# BEGIN QUESTION
name: {question}
points: {points}
"""


def write_notebooks(folder: Path, exercises: Sequence[Exercise], *, seed: int, requirement: str) -> None:
    """Write a notebook for each exercise into an empty folder."""
    for exercise in exercises:
        path = folder / exercise.phase / f"{exercise.name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        notebook = make_notebook(exercise, seed=seed, requirement=requirement)
        path.write_text(json.dumps(notebook, indent=1) + "\n", encoding="utf-8")
    first = exercises[0]
    text = _README.format(requirement=requirement, phase=first.phase, name=first.name, seed=seed)
    (folder / README).write_text(text, encoding="utf-8")


def make_notebook(exercise: Exercise, *, seed: int, requirement: str) -> dict[str, Any]:
    """The notebook that `otter assign` reads: its task, a cell for each file, and the test."""
    cells = [{"id": f"cell-{number}", **cell} for number, cell in enumerate(_cells(exercise, seed, requirement))]
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cells(exercise: Exercise, seed: int, requirement: str) -> Iterator[dict[str, Any]]:
    text, name = exercise.text, exercise.name
    named = ", ".join(f"`{file}`" for file in exercise.files)
    yield _raw(_CONFIG.format(name=name, requirement=json.dumps(requirement)))
    yield _raw(_QUESTION.format(question=name.replace("-", "_"), points=text.minutes))
    task = TASK.format(title=text.title, story=text.story.strip(), world=text.world.strip(), files=named)
    yield {"cell_type": "markdown", "metadata": {}, "source": task}
    yield _raw("# BEGIN SOLUTION")  # the cells in which students answer; without a mark in them, all is handed out
    yield make_code_cell(f'from pathlib import Path\n\nPath("{name}").mkdir(exist_ok=True)')
    for file in exercise.files:
        content = (exercise.folder / "start" / file).read_text(encoding="utf-8")
        yield make_code_cell(f"%%writefile {name}/{file}\n{content}")
    yield _raw("# END SOLUTION")
    yield _raw("# BEGIN TESTS")
    check = f'from mlops_lab.learn.handout.notebook_check import assert_solved\n\nassert_solved("{name}", seed={seed})'
    yield make_code_cell(check)
    yield _raw("# END TESTS")
    yield _raw("# END QUESTION")


def _raw(text: str) -> dict[str, Any]:
    """A cell of instructions to Otter Assign."""
    return {"cell_type": "raw", "metadata": {}, "source": text}
