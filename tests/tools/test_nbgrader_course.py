"""What `mlops learn export --to nbgrader` writes, released and graded by nbgrader in an environment of its own."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest
from webhook import skip_without

from mlops_lab.learn.catalog import find_exercise
from mlops_lab.learn.exercise import Exercise
from mlops_lab.learn.handout.nbgrader import write_course

PEER = Path(__file__).parents[2] / ".peers" / "nbgrader" / "bin"
SOURCE = Path(__file__).parents[2] / "src"
SOLVED, OPEN = find_exercise("late-labels"), find_exercise("undersampling")

pytestmark = [pytest.mark.tools, pytest.mark.timeout(600)]


def nbgrader(*words: str, course: Path) -> str:
    """Run nbgrader in the course folder; it must end with 0."""
    variables = {**os.environ, "PATH": f"{PEER}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(SOURCE)}
    homes = {"HOME": str(course), "JUPYTER_PATH": str(PEER.parent / "share" / "jupyter")}
    done = subprocess.run(
        [PEER / "nbgrader", *words],
        cwd=course,
        env=variables | homes,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def hand_in(course: Path, student: str, exercise: Exercise, files: Path) -> None:
    """Put the released notebook into the student's submission, with these files in its cells."""
    path = Path(exercise.phase) / f"{exercise.name}.ipynb"
    notebook = json.loads((course / "release" / path).read_text())
    for cell in notebook["cells"]:
        head, _, _ = "".join(cell["source"]).partition("\n")
        if head.startswith("%%writefile "):
            cell["source"] = f"{head}\n{(files / Path(head.split()[1]).name).read_text()}"
    target = course / "submitted" / student / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(notebook))


def test_nbgrader_gives_the_points_of_what_is_solved(tmp_path: Path) -> None:
    skip_without("nbgrader", is_there=(PEER / "nbgrader").exists(), install="make peers")
    write_course(tmp_path, [SOLVED, OPEN], seed=7, requirement="mlops-lab")
    nbgrader("generate_assignment", SOLVED.phase, course=tmp_path)
    for student, part in {"ada": "solution", "bob": "another", "eve": "start"}.items():
        hand_in(tmp_path, student, SOLVED, SOLVED.folder / part)
        hand_in(tmp_path, student, OPEN, OPEN.folder / "start")
    nbgrader("autograde", SOLVED.phase, course=tmp_path)
    nbgrader("export", "--to=grades.csv", course=tmp_path)
    with (tmp_path / "grades.csv").open() as file:
        scores = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}
    points = SOLVED.text.minutes + OPEN.text.minutes
    assert scores == {
        "ada": (SOLVED.text.minutes, points),
        "bob": (SOLVED.text.minutes, points),
        "eve": (0, points),
    }
