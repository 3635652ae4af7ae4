"""Every way in which a command can end has an exit code, a message and a hint."""

from __future__ import annotations

import json
import sys
from typing import Any, NoReturn

import pytest

from mlops_lab.cli.errors import guarded, refuse
from mlops_lab.errors import EnvironmentFault, InvalidInput, Refused


def raising(error: BaseException) -> Any:
    def run() -> NoReturn:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InvalidInput("it is wrong", code="wrong", where="line 3", hint="fix it"), 2, "error: line 3: it is wrong"),
        (Refused("a gate refused it", code="refused", hint="look at the evidence"), 1, "error: a gate refused it"),
        (EnvironmentFault("the disk is full", code="disk_full", hint="free some space"), 3, "error: the disk is full"),
        (PermissionError(13, "Permission denied", "/some/file"), 3, "Permission denied"),
        (KeyError("no_such_key"), 4, "error: KeyError: 'no_such_key'"),
    ],
)
def test_an_error_has_an_exit_code_a_message_and_a_hint(
    error: BaseException,
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MLOPS_DEBUG", raising=False)
    monkeypatch.setattr(sys, "argv", ["mlops", "status"])
    assert guarded(raising(error)) == code
    printed = capsys.readouterr()
    assert message in printed.err
    assert "hint: " in printed.err
    assert printed.out == "", "stdout is data"
    assert "Traceback" not in printed.err


def test_with_json_the_error_is_also_an_object_on_stdout(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["mlops", "status", "--json"])
    assert guarded(raising(InvalidInput("it is wrong", code="wrong", where="line 3", hint="fix it"))) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error == {"code": "wrong", "what": "it is wrong", "where": "line 3", "hint": "fix it"}


def test_wrong_usage_is_an_object_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["mlops", "status", "--no-such-option", "--json"])
    assert guarded(raising(SystemExit(2))) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"


def test_an_interrupt_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "stopped\n"


def test_a_command_that_returns_has_succeeded() -> None:
    assert guarded(lambda: None) == 0


def test_with_debug_a_bug_shows_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_DEBUG", "1")
    with pytest.raises(KeyError):
        guarded(raising(KeyError("no_such_key")))


def test_a_refusal_after_the_result_leaves_stdout_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        refuse(Refused("the candidate was refused", code="refused", hint="look at the evidence"))
    assert stopped.value.code == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "error: the candidate was refused\nhint: look at the evidence\n"
