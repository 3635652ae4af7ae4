"""Grading: whatever the learner's code does, there is a verdict that helps, and nothing else changes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mlops_lab.errors import EnvironmentFault, InvalidInput, NotFound
from mlops_lab.learn.catalog import find_exercise
from mlops_lab.learn.process import GradingProcess, SpareProcess
from mlops_lab.learn.verdict import MAX_BYTES, Verdict, check_work

EXERCISE = find_exercise("late-labels")
HEAD = "def rate_by_day(visits, now, window):\n"


def verdict_on(code: str, folder: Path, **options: object) -> Verdict:
    (folder / "rates.py").write_text(code)
    return check_work(EXERCISE, folder, seed=1, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "key", "seen", "where"),
    [
        ("def rate_by_day(:", "syntax", "SyntaxError: invalid syntax", "rates.py, line 1"),
        (HEAD + "    return {}[7]\n", "raised", "KeyError: 7", "rates.py, line 2"),
        ("import no_such_module\n", "raised", "no_such_module", "rates.py, line 1"),
        ("import sys\nsys.exit(3)\n", "raised", "SystemExit: 3 (it ended the program", "rates.py, line 2"),
        (HEAD + "    return input('? ')\n", "raised", "nobody types while a check runs", "rates.py, line 2"),
        (HEAD + "    return ' ' * 10**11\n", "raised", "it needs more than 4 GB", "rates.py, line 2"),
        (
            HEAD + "    open('big', 'wb').write(bytes(60_000_000))\n",
            "raised",
            "writes or prints more than 50 MB",
            "rates.py, line 2",
        ),
        (HEAD + "    while True: pass\n", "too-slow", "still computing after 3 s", None),
        (HEAD + "    return 5\n", "unusable", "what your code returned", None),
        ("rate = 1\n", "missing-function", "rate_by_day", None),
        ("print('so far'); import os; os._exit(5)\n", "ended", "code 5", None),
        (HEAD + "    open('../../elsewhere', 'w')\n", "raised", "outside of the exercise", "rates.py, line 2"),
        (
            "import socket\n" + HEAD + "    socket.create_connection(('192.0.2.1', 80))\n",
            "raised",
            "without a network",
            "rates.py, line 3",
        ),
    ],
)
def test_code_that_fails_gets_a_verdict(code: str, key: str, seen: str, where: str | None, tmp_path: Path) -> None:
    result = verdict_on(code, tmp_path).result
    assert (result.key, result.where) == (key, where)
    assert seen in result.seen


def test_an_error_says_for_which_of_the_hidden_inputs(tmp_path: Path) -> None:
    exercise = find_exercise("field-count")
    code = 'def answer(body):\n    return 200, {"price": 9000 * body[99]}\n'
    (tmp_path / "answering.py").write_text(code)
    result = check_work(exercise, tmp_path, seed=1).result
    assert (result.key, result.where) == ("raised", "answering.py, line 2")
    assert result.seen == '{"row": [3, 80.5, 2]}: it raised IndexError: index out of range'


@pytest.mark.parametrize("content", [b"\x00\x01", "rate = 'é'".encode("utf-16"), b"rate = '\xe9'"])
def test_a_file_that_is_no_utf_8_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "rates.py").write_bytes(content)
    result = check_work(EXERCISE, tmp_path, seed=1).result
    assert (result.key, result.expected) == ("syntax", "a file that Python can read")
    assert str(result.where).startswith("rates.py"), result


@pytest.mark.parametrize(
    ("text", "seen"),
    [("a: [\n", "deployment.yaml, line 2: expected the node content"), ("", "deployment.yaml holds nothing")],
)
def test_a_broken_yaml_file_is_named_with_its_line(text: str, seen: str, tmp_path: Path) -> None:
    (tmp_path / "deployment.yaml").write_text(text)
    result = check_work(find_exercise("slow-start"), tmp_path, seed=1).result
    assert result.key == "bad-file"
    assert result.seen.startswith(seen)


def test_a_text_that_is_no_utf_8_and_a_script_of_windows_are_said(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(b"FROM scratch\n# caf\xe9\n")
    result = check_work(find_exercise("docker-layers"), tmp_path, seed=1).result
    assert (result.key, result.seen) == (
        "bad-file",
        "a file of the exercise is no text in UTF-8: invalid continuation byte at byte 18",
    )
    exercise = find_exercise("pipe-exit-code")
    text = (exercise.folder / "solution/nightly.sh").read_bytes()
    (tmp_path / "nightly.sh").write_bytes(text.replace(b"\n", b"\r\n"))
    result = check_work(exercise, tmp_path, seed=1).result
    assert (result.key, result.expected) == ("line-ends", "lines that end with \\n alone")


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    result = check_work(EXERCISE, tmp_path, seed=1).result
    assert (result.key, result.seen) == ("missing-file", "there is no file rates.py")


def test_what_the_code_printed_is_shown_from_its_end(tmp_path: Path) -> None:
    verdict = verdict_on("for n in range(50): print('line', n)\n", tmp_path)
    assert verdict.printed.splitlines() == [f"line {n}" for n in range(40, 50)]


def test_code_without_an_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    code = "import os, subprocess\nos.write(1, str(subprocess.Popen(['sleep', '60']).pid).encode())\nwhile True: pass\n"
    verdict = verdict_on(code, folder, limit_seconds=1.5)
    assert verdict.result.key == "too-slow"
    child = int(verdict.printed)
    for _ in range(100):
        if not is_running(child):
            break
        time.sleep(0.02)
    assert not is_running(child)


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_the_same_seed_gives_the_same_verdict_and_another_seed_other_data(tmp_path: Path) -> None:
    (tmp_path / "rates.py").write_text((EXERCISE.folder / "wrong/any-time/rates.py").read_text())
    seen = [check_work(EXERCISE, tmp_path, seed=seed).result.seen for seed in (1, 1, 2, 3)]
    assert seen[0] == seen[1]
    assert len({*seen}) > 1


def test_a_process_that_waits_is_used_once_and_replaced(tmp_path: Path) -> None:
    spare = SpareProcess()
    try:
        with spare.take() as first:
            assert verdict_on(HEAD + "    return {}\n", tmp_path, process=first).result.key == "day-missing"
        assert not first.is_waiting
        with spare.take() as second:
            second.stop()  # as if somebody had ended it
        with spare.take() as third:
            assert third.is_waiting
            assert third is not first
    finally:
        spare.stop()


def test_a_process_without_a_job_ends_with_its_parent() -> None:
    process = GradingProcess()
    assert process._process.stdin is not None
    process._process.stdin.close()
    assert process._process.wait(timeout=30) == 0


def test_a_folder_that_cannot_be_graded_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match="is gone"):
        check_work(EXERCISE, tmp_path / "nowhere", seed=1)
    with (tmp_path / "data.bin").open("wb") as file:
        os.truncate(file.fileno(), MAX_BYTES + 1)
    with pytest.raises(InvalidInput, match="holds 20 MB"):
        check_work(EXERCISE, tmp_path, seed=1)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault, match="bisect needs git"):
        check_work(find_exercise("bisect"), tmp_path, seed=1)
