"""`mlops learn tour`: the commands that it names answer its questions, in any project with days that are over."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from replaying import Replayed
from running import MLOPS, mlops

from mlops_lab.errors import NotFound, Refused
from mlops_lab.learn.tour.answer import find_fault
from mlops_lab.learn.tour.demo import open_demo
from mlops_lab.learn.tour.questions import ask_all
from mlops_lab.project import Project, load_project

LIVE = {"bootstrap", "promote", "roll_back"}


def run_named(command: str, folder: Path) -> Any:
    """What the command that a question names prints, as JSON."""
    return mlops(*command.removeprefix("mlops ").split(), project=folder).data


def local_day(moment: datetime, folder: Path) -> date:
    return moment.astimezone(ZoneInfo(load_project(folder).timezone)).date()


def answer(name: str, command: str, folder: Path) -> str:
    """The answer to a question as somebody finds it in what the command prints."""
    if name == "worst-day":
        rows = pl.read_delta(str(folder / ".mlops/lake/measurements"))
        worst = rows.filter(monitor="quality", name="log_loss", role="champion").sort("value")["at"].last()
        return str(local_day(worst - timedelta(hours=12), folder))
    if name == "alerts":
        shown, all_ = (run_named(part, folder)["alerts"] for part in command.split("  and  "))
        return f"{len(shown)} wait, of {len(all_)}"
    found = run_named(command, folder)
    match name:
        case "live":
            (*_, last) = [item for item in found["decisions"] if item["what"] in LIVE]
            return f"version {last['version']} since {local_day(datetime.fromisoformat(last['at']), folder)}"
        case "decision":
            (*_, last) = [item for item in found["decisions"] if item["what"] in LIVE]
            return f"a {last['what']} by {last['rule']}"
        case "evidence":
            (loss, base) = re.findall(r"log loss ([\d.]+) against ([\d.]+) for the base rate", str(found))[0]
            return f"{loss}, {base}"
        case "data":
            return " and ".join(item["name"] for item in found["version"]["snapshots"])
        case "facts":
            return ", ".join(name for name, value in found["features"].items() if value is None)
        case "replay":
            return f"{found['from_facts']:.3f}, {'yes' if found['equal'] else 'no'}"
        case "trainings":
            kinds = [item["what"] for item in found["decisions"]]
            return f"{kinds.count('retrain')} and {sum(kind in LIVE - {'roll_back'} for kind in kinds)}"
        case "record":
            return f"{len(found['decisions'])}, {'no' if found['chain']['faults'] else 'yes'}"
    raise AssertionError(name)


def walk_through(folder: Path) -> list[str]:
    """The names of the questions, each answered right once, and wrong once."""
    questions = ask_all(open_demo(folder))
    for question in questions:
        text = answer(question.name, question.command, folder)
        assert find_fault(question.expected, text) is None, (question.name, text)
        fault = find_fault(question.expected, "7777777")
        assert fault is not None
        assert text not in f"{question.text} {question.command} {question.again} {fault}"
    return [question.name for question in questions]


def test_the_commands_of_the_tour_answer_its_questions_about_the_demo(replayed: Replayed) -> None:
    names = walk_through(replayed.folder)
    assert names == [
        *("live", "decision", "evidence", "data", "facts"),
        *("replay", "worst-day", "alerts", "trainings", "record"),
    ]


def test_and_about_a_project_with_a_promotion(lived: Path, copy_project: Callable[..., Project]) -> None:
    project = copy_project(lived / "promoted")
    assert {"live", "decision", "evidence", "worst-day", "trainings"} <= {*walk_through(project.root)}


def test_a_script_reads_the_questions_and_checks_an_answer(replayed: Replayed) -> None:
    questions = mlops("learn", "tour", project=replayed.folder).data["questions"]
    assert [question.keys() for question in questions] == [{"name", "text", "command"}] * 10
    right = mlops("learn", "tour", "--question", "trainings", "--answer", "1 and 1", project=replayed.folder).data
    assert (right["right"], right["fault"], right["again"]) == (True, None, None)
    wrong = mlops("learn", "tour", "--question", "trainings", "--answer", "2, 1", project=replayed.folder, code=1).data
    assert (wrong["right"], wrong["fault"]) == (False, "2 is not what the project says")


def talk(typed: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MLOPS, "learn", "tour", *words], cwd=cwd, input=typed, capture_output=True, text=True, check=False
    )


def test_a_wrong_answer_is_asked_again_and_a_question_can_be_skipped(replayed: Replayed, tmp_path: Path) -> None:
    shutil.copytree(replayed.folder, tmp_path / "flights-demo")
    said = talk("2 2013-03-01\nversion 1, since 2013-03-01\nskip\n\nquit\n", cwd=tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    assert "✗ 2 is not what the project says" in said.stdout
    assert said.stdout.count("✓ right") == 1
    assert "3 of 10" in said.stdout
    assert "4 of 10" not in said.stdout
    assert "1 of 10 answered. Where to go next: `mlops learn`" in said.stdout


def test_it_ends_where_nobody_types(replayed: Replayed) -> None:
    said = talk("", cwd=replayed.folder)
    assert said.returncode == 0
    assert "0 of 10 answered" in said.stdout


def test_without_a_demo_it_says_how_to_get_one(tmp_path: Path, template: Path) -> None:
    with pytest.raises(NotFound, match="there is none here") as caught:
        open_demo(tmp_path)
    assert "mlops demo --to" in str(caught.value.hint)
    with pytest.raises(Refused, match="has no day that is over"):
        open_demo(template)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--question", "live"), "go together"),
        (("--answer", "1"), "go together"),
        (("--question", "worst-dya", "--answer", "1"), "did you mean worst-day?"),
    ],
)
def test_bad_options_are_one_error(words: tuple[str, ...], told: str, replayed: Replayed) -> None:
    said = talk("", *words, cwd=replayed.folder)
    assert said.returncode == 2
    assert told in said.stderr
    assert "Traceback" not in said.stderr
