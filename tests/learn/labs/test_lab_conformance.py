"""Every lab: as handed out it fails with the messages meant; a script that does what a learner would do passes every
check; usual mistakes fail with their message. A new one needs no test of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from lab_tables import make_examples, write_loans

from mlops_lab.errors import MlopsError, NotFound
from mlops_lab.learn.checking import Mistake
from mlops_lab.learn.exercise import HINTS
from mlops_lab.learn.labs.catalog import NAMES, find_check, find_lab, read_labs
from mlops_lab.learn.labs.data.cases import LabData
from mlops_lab.learn.labs.data.layout import Layout
from mlops_lab.learn.labs.data.open import DataChoice
from mlops_lab.learn.labs.data.shop import ShopData
from mlops_lab.learn.labs.data.words import words_of
from mlops_lab.learn.labs.lab import LABS_FOLDER, Lab
from mlops_lab.learn.labs.planted_skew.skews import make_cart
from mlops_lab.learn.labs.state import read_state
from mlops_lab.learn.labs.steps import WAITS, check_lab, open_lab, start_lab
from mlops_lab.learn.labs.work import LabWork, variables
from mlops_lab.learn.result import PASSED

ANSWERS = Path(__file__).parent / "answers"
"""By lab: `solution.sh`, which a learner could have typed; and `wrong-….sh`, which makes a mistake in a solved lab, with
the check that must fail and its message in the first line."""
SEED = 5
MAX_LINES, MIN_LINES = 150, 60

each_lab = pytest.mark.parametrize("lab", read_labs(), ids=lambda lab: lab.name)


def run_answer(lab: Lab, script: str, folder: Path, data: LabData) -> None:
    """Run a script in the folder of a lab; it must end with 0."""
    text = (ANSWERS / "common.sh").read_text() + (ANSWERS / lab.name / script).read_text()
    command = ["bash", "-c", text]
    env = variables(**names_of(data))
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def names_of(data: LabData) -> dict[str, str]:
    """What a learner reads in README.md and in the files of a lab, for the scripts."""
    layout, words = data.layout, words_of(data.layout)
    number, text = layout.spoiled_numbers[0], layout.spoiled_texts[0]
    renamed = {value: new for item in layout.spoiled_texts for value, new in item.renamed.items()}
    numbers = [(item.name, item.raw, item.factor) for item in layout.spoiled_numbers]
    gap = next((name for name in layout.numbers if any(case.values[name] is None for case in data.cases(0, 7))), "")
    told = {name.upper(): words[name] for name in ("project", "rows", "client", "program")}
    roles = {name.upper(): getattr(layout, name) for name in ("label", "key", "time", "group")}
    return {
        **told,
        **roles,
        "GAP": gap or layout.numbers[0],
        "NUMBER": number.name,
        "LOW": f"{number.low:g}",
        "HIGH": f"{number.high:g}",
        "NUMBERS": " ".join(item.name for item in layout.spoiled_numbers),
        "LIMITS": "\n".join(f"{item.name} {item.low:g} {item.high:g}" for item in layout.spoiled_numbers),
        "TEXT": text.name,
        "VALUES": json.dumps([*text.codes.values()], ensure_ascii=False),
        "SPOILED": json.dumps({"numbers": numbers, "renamed": renamed}, ensure_ascii=False),
        "RECORDS": json.dumps([(make_cart(case), case.request) for case in data.cases(0, 1)[:60]]),
    }


def keys(folder: Path, **options: str) -> dict[str, str]:
    """What each check says."""
    return {outcome.check.name: outcome.key for outcome in check_lab(folder, **options)}


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("source", ["shop", "flights", "table"])
@each_lab
def test_it_fails_as_handed_out_and_passes_as_solved_and_knows_mistakes(lab: Lab, source: str, tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    start_lab(lab, folder, seed=SEED, choice=choose(source, tmp_path))
    _, data = open_lab(folder, read_state(folder))
    handed_out = keys(folder)
    failed = {name: key for name, key in handed_out.items() if key not in {PASSED, WAITS}}
    assert lab.text.fails_with.items() <= failed.items()
    assert source != "shop" or lab.text.fails_with == failed, "of other data, more may fail"

    run_answer(lab, "solution.sh", folder, data)
    outcomes = [*check_lab(folder)]
    assert [(item.check.name, item.seen) for item in outcomes if not item.passed] == []

    for script in sorted((ANSWERS / lab.name).glob("wrong-*.sh")):
        wrong = tmp_path / script.stem
        shutil.copytree(folder, wrong, symlinks=True)
        check, key = script.read_text().splitlines()[0].removeprefix("# ").split(": ")
        run_answer(lab, script.name, wrong, data)
        (outcome,) = check_lab(wrong, only=check)
        assert outcome.key == key, (script.name, outcome)
        assert outcome.seen
        assert outcome.expected


def choose(source: str, folder: Path) -> DataChoice:
    """The shop, the flights, or a table that a learner could bring."""
    if source != "table":
        return DataChoice(source)
    write_loans(folder / "loans.csv", rows=12_000)
    return DataChoice(str(folder / "loans.csv"), "outcome", key="client")


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


@pytest.mark.parametrize("layout", [data.layout for data in make_examples()], ids=lambda layout: layout.source)
@each_lab
def test_its_story_says_what_must_be_true_and_how_long_it_takes(lab: Lab, layout: Layout) -> None:
    story = lab.write_story(layout)
    assert story.startswith(f"# {lab.text.title}\n\n*About {lab.text.minutes / 60:g} hours.")
    assert MIN_LINES <= len(story.splitlines()) <= MAX_LINES
    assert max(map(len, (LABS_FOLDER / lab.name.replace("-", "_") / "story.md").read_text().splitlines())) <= 200
    assert "## What must be true at the end" in story
    for check in lab.text.checks:
        assert f"- **{check.name}**: " in story
    told = lab.with_words(layout)
    assert "{rows}" not in story + " ".join(check.must + "".join(check.hints) for check in told.text.checks)
    for program in lab.text.programs:
        assert program in story


@each_lab
def test_without_any_work_its_first_check_says_what_is_missing(lab: Lab, tmp_path: Path) -> None:
    for name in ("lab", "scratch"):
        (tmp_path / name).mkdir()
    first = lab.text.checks[0].name
    data = ShopData(seed=SEED, per_day=5)
    work = LabWork(tmp_path / "lab", tmp_path / "scratch", "2026-01-01T00:00:00+00:00", data)
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
