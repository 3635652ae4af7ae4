"""Every lab: as handed out it fails with the messages meant; a script that does what a learner would do passes every
check; usual mistakes fail with their message. A new one needs no test of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mlops_lab.errors import MlopsError, NotFound
from mlops_lab.learn.checking import Mistake
from mlops_lab.learn.exercise import HINTS
from mlops_lab.learn.labs.catalog import NAMES, find_check, find_lab, read_labs
from mlops_lab.learn.labs.lab import LABS_FOLDER, Lab
from mlops_lab.learn.labs.steps import WAITS, check_lab, start_lab
from mlops_lab.learn.labs.work import LabWork, variables
from mlops_lab.learn.result import PASSED

ANSWERS = Path(__file__).parent / "answers"
"""By lab: `solution.sh`, which a learner could have typed; and `wrong-….sh`, which makes a mistake in a solved lab, with
the check that must fail and its message in the first line."""
SEED = 5
MAX_LINES, MIN_LINES = 150, 60

each_lab = pytest.mark.parametrize("lab", read_labs(), ids=lambda lab: lab.name)


def run_answer(lab: Lab, script: str, folder: Path) -> None:
    """Run a script in the folder of a lab; it must end with 0."""
    text = (ANSWERS / "common.sh").read_text() + (ANSWERS / lab.name / script).read_text()
    command = ["bash", "-c", text]
    done = subprocess.run(command, cwd=folder, env=variables(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def keys(folder: Path, **options: str) -> dict[str, str]:
    """What each check says."""
    return {outcome.check.name: outcome.key for outcome in check_lab(folder, **options)}


@pytest.mark.slow
@pytest.mark.timeout(3000)
@each_lab
def test_it_fails_as_handed_out_and_passes_as_solved_and_knows_mistakes(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    start_lab(lab, folder, seed=SEED)
    handed_out = keys(folder)
    assert {name: key for name, key in handed_out.items() if key not in {PASSED, WAITS}} == lab.text.fails_with

    run_answer(lab, "solution.sh", folder)
    outcomes = [*check_lab(folder)]
    assert [(item.check.name, item.seen) for item in outcomes if not item.passed] == []

    for script in sorted((ANSWERS / lab.name).glob("wrong-*.sh")):
        wrong = tmp_path / script.stem
        shutil.copytree(folder, wrong, symlinks=True)
        check, key = script.read_text().splitlines()[0].removeprefix("# ").split(": ")
        run_answer(lab, script.name, wrong)
        (outcome,) = check_lab(wrong, only=check)
        assert outcome.key == key, (script.name, outcome)
        assert outcome.seen
        assert outcome.expected


@each_lab
def test_it_has_all_parts(lab: Lab) -> None:
    names = [check.name for check in lab.text.checks]
    assert [*lab.load().CHECKS] == names
    assert len({*names}) == len(names)
    assert {*lab.text.fails_with} <= {*names}
    assert lab.text.fails_with
    assert 120 <= lab.text.minutes <= 240
    for number, check in enumerate(lab.text.checks):
        assert {*check.after} <= {*names[:number]}, "a check waits for earlier ones"
        assert len(check.hints) == HINTS
        assert check.hints[0].endswith("?"), "the first hint asks"
        assert all(hint.strip() for hint in check.hints)
    scripts = [path.name for path in (ANSWERS / lab.name).glob("*.sh")]
    assert "solution.sh" in scripts
    assert len(scripts) >= 3, "a solution and two mistakes"
    heads = (path.read_text().splitlines()[0] for path in (ANSWERS / lab.name).glob("wrong-*.sh"))
    assert {head.removeprefix("# ").split(": ")[0] for head in heads} <= {*names}


@each_lab
def test_its_story_says_what_must_be_true_and_how_long_it_takes(lab: Lab) -> None:
    story = lab.story
    assert story.startswith(f"# {lab.text.title}\n\n*About {lab.text.minutes / 60:g} hours.")
    assert MIN_LINES <= len(story.splitlines()) <= MAX_LINES
    assert max(map(len, story.splitlines())) <= 200
    assert "## What must be true at the end" in story
    for check in lab.text.checks:
        assert f"- **{check.name}**: " in story
    for program in lab.text.programs:
        assert program in story


@each_lab
def test_without_any_work_its_first_check_says_what_is_missing(lab: Lab, tmp_path: Path) -> None:
    for name in ("lab", "scratch"):
        (tmp_path / name).mkdir()
    first = lab.text.checks[0].name
    work = LabWork(
        folder=tmp_path / "lab", scratch=tmp_path / "scratch", seed=SEED, started="2026-01-01T00:00:00+00:00"
    )
    with pytest.raises((Mistake, MlopsError)) as caught:
        lab.load().CHECKS[first](work)
    assert str(caught.value)


def test_the_catalog_names_each_folder_once() -> None:
    found = sorted(path.parent.name.replace("_", "-") for path in LABS_FOLDER.glob("*/lab.toml"))
    assert sorted(NAMES) == found
    assert sorted(path.name for path in ANSWERS.iterdir() if path.is_dir()) == found


def test_unknown_names_are_suggested() -> None:
    with pytest.raises(NotFound, match="no lab") as caught:
        find_lab("planted-skews")
    assert caught.value.hint == "did you mean planted-skew?"
    with pytest.raises(NotFound, match="no check") as caught:
        find_check(find_lab("planted-skew"), "day")
    assert caught.value.hint == "did you mean days?"
