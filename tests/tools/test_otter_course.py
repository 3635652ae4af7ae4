"""What `mlops learn export --to otter` writes, made into assignments and graded by Otter in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from webhook import skip_without

from mlops_lab.learn.catalog import find_exercise
from mlops_lab.learn.handout.otter import write_notebooks

PEER = Path(__file__).parents[2] / ".peers" / "otter" / "bin"
SOURCE = Path(__file__).parents[2] / "src"
EXERCISE = find_exercise("late-labels")

pytestmark = [pytest.mark.tools, pytest.mark.timeout(600)]


def otter(*words: str | Path, folder: Path) -> None:
    """Run otter in a folder; it must end with 0."""
    variables = {**os.environ, "PATH": f"{PEER}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(SOURCE)}
    homes = {"HOME": str(folder), "JUPYTER_PATH": str(PEER.parent / "share" / "jupyter")}
    command = [PEER / "otter", *words]
    done = subprocess.run(
        command, cwd=folder, env=variables | homes, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def score(made: Path, folder: Path, part: str) -> tuple[float, float]:
    """The points of a student who put these files into the cells, and the most there are."""
    notebook = json.loads((made / "student" / f"{EXERCISE.name}.ipynb").read_text())
    for cell in notebook["cells"]:
        head, _, _ = "".join(cell["source"]).partition("\n")
        if head.startswith("%%writefile "):
            cell["source"] = f"{head}\n{(EXERCISE.folder / part / Path(head.split()[1]).name).read_text()}"
    folder.mkdir()
    (folder / f"{EXERCISE.name}.ipynb").write_text(json.dumps(notebook))
    (autograder,) = (made / "autograder").glob("*-autograder_*.zip")
    otter("run", "--autograder", autograder, f"{EXERCISE.name}.ipynb", folder=folder)
    (result,) = (test for test in json.loads((folder / "results.json").read_text())["tests"] if "score" in test)
    return result["score"], result["max_score"]


def test_otter_gives_the_points_of_what_is_solved(tmp_path: Path) -> None:
    skip_without("otter", is_there=(PEER / "otter").exists(), install="make peers")
    course, made = tmp_path / "course", tmp_path / "made"
    course.mkdir()
    write_notebooks(course, [EXERCISE], seed=7, requirement="mlops-lab")
    otter("assign", f"{EXERCISE.phase}/{EXERCISE.name}.ipynb", made, "--no-pdfs", folder=course)
    handed_out = (made / "student" / f"{EXERCISE.name}.ipynb").read_text()
    assert "days that are final" not in handed_out
    scores = {part: score(made, tmp_path / part, part) for part in ("solution", "another", "start")}
    points = EXERCISE.text.minutes
    assert scores == {"solution": (points, points), "another": (points, points), "start": (0, points)}
