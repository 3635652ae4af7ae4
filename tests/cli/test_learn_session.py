"""What `mlops learn` and its commands print, for people and for machines."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops_lab.cli.errors import guarded
from mlops_lab.learn.catalog import find_exercise, read_exercises
from mlops_lab.learn.folder import open_folder, work_folder

EXERCISE = find_exercise("pipe-exit-code")
NAME = EXERCISE.name
FIRST, SECOND, *_ = read_exercises()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return open_folder(tmp_path)


@pytest.fixture
def learn(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs `mlops learn …` in this process: its exit code, stdout and stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mlops", "learn", *words, "--folder", str(folder)])
        code = guarded(importlib.import_module("mlops_lab.cli.main").app)
        return code, *capsys.readouterr()

    return run


def solve(folder: Path) -> None:
    shutil.copytree(EXERCISE.folder / "solution", work_folder(folder, EXERCISE), dirs_exist_ok=True)


def test_a_verdict_says_what_was_seen_and_what_was_expected(learn: Callable[..., Any], folder: Path) -> None:
    code, out, _ = learn("check", NAME)
    assert code == 1
    assert f"✗ {NAME}" in out
    assert "seen      train ended with exit code 1, and the model was published" in out
    assert "expected  that nothing is published" in out
    solve(folder)
    code, out, _ = learn("check", NAME)
    assert code == 0
    assert f"✓ {NAME} is solved" in out


def test_a_check_that_takes_long_says_so(learn: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlops_lab.cli.learn_session.SLOW_SECONDS", 0.0)
    code, out, err = learn("check", NAME)
    assert (code, "still running; it is ended after 20 s" in err) == (1, True)
    assert f"✗ {NAME}" in out


def test_hints_list_and_next_for_people(learn: Callable[..., Any], folder: Path) -> None:
    assert "hint 1 of 3: What is the exit code" in learn("hint", NAME)[1]
    assert "hint 2 of 3" in learn("hint", NAME)[1]
    solve(folder)
    learn("check", NAME)
    code, out, _ = learn("list")
    (row,) = [line for line in out.splitlines() if NAME in line]
    assert code == 0
    assert "2 of 3" in row
    assert f"1 of {len(read_exercises())} solved" in out
    (current,) = [line for line in out.splitlines() if line.startswith("→")]
    assert FIRST.name in current
    out = learn("next")[1]
    assert SECOND.text.title in out
    assert "Where it happened." in out
    assert "results.py" in out


def test_the_solution_is_shown_afterwards(learn: Callable[..., Any], folder: Path) -> None:
    code, out, err = learn("solution", NAME)
    assert (code, out) == (1, "")
    assert f"error: {NAME} is not solved yet" in err
    solve(folder)
    learn("check", NAME)
    assert "set -euo pipefail" in learn("solution", NAME)[1]


def test_a_narrow_terminal_cuts_neither_names_nor_code(
    learn: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    listed = learn("list")[1]
    assert [name for exercise in read_exercises() if (name := exercise.name) not in listed] == []
    exercise = find_exercise("field-count")
    shutil.copytree(exercise.folder / "solution", work_folder(folder, exercise), dirs_exist_ok=True)
    learn("check", exercise.name)
    shown = learn("solution", exercise.name)[1]
    assert (exercise.folder / "solution/answering.py").read_text().strip() in shown


def test_a_reset_says_where_the_files_are(learn: Callable[..., Any], folder: Path) -> None:
    assert "old-" not in learn("reset", NAME)[1], "nothing was changed"
    (work_folder(folder, EXERCISE) / "nightly.sh").write_text("mine")
    out = learn("reset", NAME)[1]
    assert f"{NAME}.old-1" in out
    assert (work_folder(folder, EXERCISE).parent / f"{NAME}.old-1" / "nightly.sh").is_file()


def test_wrong_input_is_one_clear_error(learn: Callable[..., Any], tmp_path: Path) -> None:
    code, _, err = learn("check", "pipe-exitcode")
    assert code == 2
    assert 'error: there is no exercise "pipe-exitcode"' in err
    assert f"did you mean {NAME}?" in err


def test_without_a_folder_the_way_to_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["mlops", "learn", "list", "--folder", str(tmp_path)])
    assert guarded(importlib.import_module("mlops_lab.cli.main").app) == 2
    assert "hint: mlops learn" in capsys.readouterr().err


def test_each_command_prints_its_record_for_machines(learn: Callable[..., Any], folder: Path) -> None:
    from outputs import read_output

    def read(*words: str) -> Any:
        return read_output(["learn", *words[:1]], learn(*words, "--json")[1])

    verdict = read("check", NAME)
    assert (verdict.passed, verdict.message, verdict.where) == (False, "published-failure", None)
    assert read("hint", NAME).step == 1
    solve(folder)
    assert read("check", NAME).passed
    assert read("solution", NAME).files.keys() == {"nightly.sh"}
    task = read("next", NAME)
    assert task.files == [str(work_folder(folder, EXERCISE) / "nightly.sh")]
    assert read("reset").previous_files.endswith(".old-1")
    listed = read("list").exercises
    assert [row.name for row in listed] == [exercise.name for exercise in read_exercises()]
    assert [row.name for row in listed if row.current] == [row.name for row in listed if row.solved] == [NAME]


def test_watching_makes_a_folder_checks_saves_and_obeys_words(tmp_path: Path) -> None:
    """The real command, as an editor starts it: from nothing to a solved exercise."""
    command = [sys.executable, "-c", "from mlops_lab.cli.main import main; main()", "learn", "watch", "--json"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        lines = process.stdout

        def expect(event: str, **fields: object) -> dict[str, Any]:
            record: dict[str, Any] = json.loads(lines.readline())
            assert record["event"] == event, record
            assert {name: record[name] for name in fields} == fields
            return record

        def type_in(word: str) -> None:
            assert process.stdin is not None
            process.stdin.write(f"{word}\n")
            process.stdin.flush()

        expect("exercise", name=FIRST.name)
        expect("verdict", name=FIRST.name, passed=False, message=FIRST.text.fails_with)
        shutil.copy(FIRST.folder / "solution" / FIRST.files[0], work_folder(tmp_path / "mlops-learn", FIRST))
        expect("verdict", name=FIRST.name, passed=True)
        type_in("next")
        expect("exercise", name=SECOND.name)
        expect("verdict", name=SECOND.name, passed=False)
        type_in("h")
        expect("hint", name=SECOND.name, step=1)
        type_in("what?")
        type_in("list")
        expect("list")
        type_in(f"mlops learn next {FIRST.name}")
        expect("exercise", name=FIRST.name)
        expect("verdict", name=FIRST.name, passed=True)
        type_in("quit")
        assert process.wait(timeout=60) == 0
        assert lines.read() == ""


def test_ctrl_c_ends_the_watching(tmp_path: Path) -> None:
    main = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # pytest may run where it is ignored
        "from mlops_lab.cli.main import main; main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", main, "learn"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            assert any("Watching" in line for line in process.stderr)
            time.sleep(1)  # what is tested is the wait for the next event: let it begin
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 130
        finally:
            process.kill()
