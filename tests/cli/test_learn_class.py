"""`mlops learn export` and `mlops learn report`, for people and for machines."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from outputs import read_output

from mlops_lab.cli.errors import guarded
from mlops_lab.learn.catalog import NAMES, read_exercises
from mlops_lab.learn.labs.state import LabState, write_state

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `mlops learn …` in this process, in an empty folder: its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mlops", "learn", *words])
        code = guarded(importlib.import_module("mlops_lab.cli.main").app)
        return code, *capsys.readouterr()

    return run


def test_a_class_is_handed_exercises_and_reported_on(learn: Run, tmp_path: Path) -> None:
    (tmp_path / "students.txt").write_text("ada\nbob\n")
    words = ("export", "zips", "concepts", "bisect", "--students", "students.txt", "--seed", "5")
    assert learn(*words)[1] == "14 exercises in zips, a file for each of 2 students; seed 5\n"
    assert {path.name for path in (tmp_path / "zips").iterdir()} == {"ada.zip", "bob.zip"}
    code, out, _ = learn("export", "template", "systems", "--to", "classroom", "--json")
    read_output(["learn", "export"], out)
    assert (code, json.loads(out)["exercises"]) == (0, [*NAMES["systems"]])
    (tmp_path / "eve").mkdir()
    (tmp_path / "eve" / "mlops-learn.json").write_text("[]")
    code, out, err = learn("report", ".")
    assert code == 0
    assert "template" in out
    assert "0 of 11" in out
    assert "warning: " in err
    assert "checks" not in out, "nobody has a lab"
    (tmp_path / "ada" / "on-call").mkdir(parents=True)
    state = LabState(lab="on-call", seed=1, started="2026-01-02T03:04:05+00:00", passed={"in-time": "2026-01-03"})
    write_state(tmp_path / "ada" / "on-call", state)
    out = learn("report", ".")[1]
    assert "1 of 7" in out
    assert "incident" in out
    assert "1 of 7" in learn("report", "ada")[1]
    out = learn("report", ".", "--json")[1]
    read_output(["learn", "report"], out)
    assert sum(json.loads(out)["of"].values()) == len(read_exercises())
    assert [row["student"] for row in json.loads(out)["students"]] == ["template"]
    assert [(row["student"], row["passed"]) for row in json.loads(out)["labs"]] == [("ada", ["in-time"])]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("export", "template", "--to", "classroom", "--students", "s.txt"), "--students: is for zip files"),
        (("export", "week.zip", "bisct"), "did you mean bisect?"),
        (("export", "zips", "--students", "nowhere.txt"), "nowhere.txt"),
        (("export", "zips", "--seed", "-1"), "--seed"),
        (("export", "week.zip", "--to", "pdf"), "--to"),
        (("report", "nowhere"), "there is no mlops-learn.json"),
    ],
)
def test_what_cannot_be_done_is_one_error(words: tuple[str, ...], told: str, learn: Run, tmp_path: Path) -> None:
    code, out, err = learn(*words)
    assert (code, out) == (2, "")
    assert told in err
    assert "Traceback" not in err
    assert [*tmp_path.iterdir()] == []
