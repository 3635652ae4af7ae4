"""`mlops doctor`: what it prints at 80 columns, and its exit code."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from mlops_lab.cli.doctor import render
from mlops_lab.cli.errors import guarded
from mlops_lab.cli.main import app
from mlops_lab.doctor.records import CheckResult, Examination


def result(name: str, state: str, hint: str | None = None) -> CheckResult:
    return CheckResult(name=name, state=state, seen=f"this was seen of {name}", hint=hint, milliseconds=1.0)  # type: ignore[arg-type]


def test_a_line_for_each_check_and_the_sums() -> None:
    out = io.StringIO()
    checks = [result("disk", "ok"), result("lake", "fail", "mend it"), result("port", "warn", "look at it")]
    found = Examination(project="p", folder="/p", failed=1, warned=1, checks=checks)
    render(found, Console(file=out, width=80))
    text = out.getvalue()
    assert "fail    lake    this was seen of lake" in text
    assert "hint: mend it" in text
    assert text.endswith("1 check failed, 1 warned, of 3\n")
    assert max(map(len, text.splitlines())) <= 80


def test_it_ends_with_1_where_something_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["mlops", "doctor", "--project", str(tmp_path), "--json"])
    assert guarded(app) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["project"], found["folder"]) == (None, None)
    assert found["failed"] >= 1
    assert [check["hint"] for check in found["checks"] if check["name"] == "settings"] != [None]
