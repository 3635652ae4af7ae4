"""The course folder for nbgrader; tests/tools/test_nbgrader_course.py runs nbgrader on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlops_lab.learn.catalog import find_exercise, read_exercises
from mlops_lab.learn.handout.nbgrader import make_notebook, write_course
from mlops_lab.learn.handout.notebook_check import assert_solved

EXERCISE = find_exercise("late-labels")


def test_each_notebook_holds_the_files_and_one_graded_cell() -> None:
    for exercise in read_exercises():
        notebook = make_notebook(exercise, seed=7)
        sources = [cell["source"] for cell in notebook["cells"]]
        for file in exercise.files:
            content = (exercise.folder / "start" / file).read_text()
            assert f"%%writefile {exercise.name}/{file}\n{content}" in sources
        (graded,) = [cell for cell in notebook["cells"] if "nbgrader" in cell["metadata"]]
        assert graded["metadata"]["nbgrader"]["points"] == exercise.text.minutes
        compile(graded["source"], exercise.name, "exec")


def test_a_course_has_an_assignment_for_each_phase(tmp_path: Path) -> None:
    write_course(tmp_path, [find_exercise("bisect"), EXERCISE], seed=7, requirement="mlops-lab==1")
    notebooks = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.ipynb")}
    assert notebooks == {"source/foundations/bisect.ipynb", "source/concepts/late-labels.ipynb"}
    assert json.loads((tmp_path / "source/concepts/late-labels.ipynb").read_text())["nbformat"] == 4
    assert "`mlops-lab==1`" in (tmp_path / "README.md").read_text()


def test_the_check_of_a_notebook_says_what_was_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / EXERCISE.name).mkdir()
    work = tmp_path / EXERCISE.name / "rates.py"
    work.write_text("def rate_by_day(visits, now, window):\n    return {}[7]\n")
    with pytest.raises(AssertionError, match=r"rates\.py, line 2: it raised KeyError: 7"):
        assert_solved(EXERCISE.name, seed=7)
    work.write_text((EXERCISE.folder / "solution/rates.py").read_text())
    assert_solved(EXERCISE.name, seed=7)
