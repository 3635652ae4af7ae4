"""The notebooks for Otter Assign; tests/tools/test_otter_course.py runs Otter on one."""

from __future__ import annotations

import json
from pathlib import Path

from mlops_lab.learn.catalog import find_exercise, read_exercises
from mlops_lab.learn.handout.otter import make_notebook, write_notebooks


def test_each_notebook_holds_the_files_as_handed_out_and_one_test() -> None:
    for exercise in read_exercises():
        notebook = make_notebook(exercise, seed=7, requirement="mlops-lab")
        sources = [cell["source"] for cell in notebook["cells"]]
        for file in exercise.files:
            content = (exercise.folder / "start" / file).read_text()
            assert sources.count(f"%%writefile {exercise.name}/{file}\n{content}") == 1
        begin, end = sources.index("# BEGIN TESTS"), sources.index("# END TESTS")
        (test,) = sources[begin + 1 : end]
        compile(test, exercise.name, "exec")
        assert f"points: {exercise.text.minutes}\n" in sources[1]
        assert len({cell["id"] for cell in notebook["cells"]}) == len(sources)


def test_a_folder_has_a_notebook_for_each_exercise_and_says_how(tmp_path: Path) -> None:
    write_notebooks(
        tmp_path, [find_exercise("bisect"), find_exercise("late-labels")], seed=7, requirement="mlops-lab==1"
    )
    notebooks = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.ipynb")}
    assert notebooks == {"foundations/bisect.ipynb", "concepts/late-labels.ipynb"}
    assert json.loads((tmp_path / "concepts/late-labels.ipynb").read_text())["nbformat"] == 4
    assert "otter assign foundations/bisect.ipynb made" in (tmp_path / "README.md").read_text()
