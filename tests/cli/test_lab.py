"""What `mlops lab` and its commands print, for people and for machines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from outputs import read_output

from mlops_lab.cli.main import main
from mlops_lab.learn.labs.catalog import NAMES
from mlops_lab.learn.labs.state import LabState, write_state

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `mlops lab …` in this process, in the folder of a lab without files: its exit code, stdout and stderr."""
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    monkeypatch.setenv("COLUMNS", "100")
    write_state(Path(), LabState(lab="planted-skew", seed=1, started="2026-01-02T03:04:05+00:00"))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mlops", "lab", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return run


def test_a_verdict_says_what_was_seen_and_what_was_expected(lab: Run) -> None:
    code, out, _ = lab("check")
    assert code == 1
    assert "✗ fields" in out
    assert "seen      there is no finding.toml" in out
    assert "· days  waits for fields" in out
    assert "0 of 7 pass" in out
    assert "mlops lab hint fields" in out
    assert "waits" not in lab("check", "--only", "fields")[1]


def test_the_list_and_hints_for_people(lab: Run) -> None:
    out = lab("list")[1]
    assert all(name in out for name in NAMES)
    assert "fields, hint 1 of 3: " in lab("hint")[1]
    out = lab("hint", "harm")[1]
    assert "harm, hint 1 of 3: " in out
    assert "Another one: mlops lab hint harm" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("start", "planted-skews", "new"), "did you mean planted-skew?"),
        (("start", "planted-skew", "."), "is not an empty folder"),
        (("start", "planted-skew", "--seed", "-1"), "--seed"),
        (("check", "--only", "day"), "did you mean days?"),
        (("check", ".."), "there is no lab"),
        (("hint", "nothing"), "its checks are fields"),
        (("hint", "../mine"), "mlops lab hint --folder ../mine"),
    ],
)
def test_wrong_input_is_one_clear_error(words: tuple[str, ...], told: str, lab: Run) -> None:
    code, out, err = lab(*words)
    assert (code, out) == (2, "")
    assert told in err
    assert "Traceback" not in err


def test_each_command_prints_its_record_for_machines(lab: Run) -> None:
    def record(*words: str) -> Any:
        return read_output(["lab", *words[:1]], lab(*words, "--json")[1])

    assert [row.name for row in record("list").labs] == [*NAMES]
    verdict = record("check")
    assert (verdict.name, verdict.passed, verdict.checks[0].message) == ("planted-skew", False, "no-finding")
    assert [check.state for check in verdict.checks[:2]] == ["failed", "waits"]
    assert (record("hint", "harm").check, record("hint", "harm").step) == ("harm", 2)


@pytest.mark.slow
def test_a_lab_is_made(lab: Run, tmp_path: Path) -> None:
    made = read_output(["lab", "start"], lab("start", "notebook-to-service", "../made", "--seed", "3", "--json")[1])
    assert (made.name, made.seed) == ("notebook-to-service", 3)
    assert Path(made.story).read_text().startswith("# From a notebook")
    code, out, _ = lab("start", "notebook-to-service", "../other")
    assert code == 0
    assert "cd ../other && mlops lab check" in out
