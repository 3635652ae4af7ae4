"""Commands in this process: they start in no time, and print what the processes would."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
from outputs import name_command, read_output

from mlops_lab.cli.errors import guarded
from mlops_lab.cli.records.errors import ErrorRecord


class Terminal:
    """Runs commands in this process, in one project."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self._app = importlib.import_module("mlops_lab.cli.main").app
        self.commands: set[str] = set()

    def run(self, *words: object, code: int = 0) -> Any:
        """The record that `mlops WORDS --json` prints."""
        texts = [str(word) for word in words]
        self._monkeypatch.setattr(sys, "argv", ["mlops", *texts, "--project", str(self.folder), "--json"])
        self._capsys.readouterr()
        ended_with = guarded(self._app)
        out, err = self._capsys.readouterr()
        assert ended_with == code, f"{words}\n{out}\n{err}"
        (line,) = out.splitlines()
        record = read_output(texts, line)
        self.commands.add("error" if isinstance(record, ErrorRecord) else name_command(texts))
        return record
