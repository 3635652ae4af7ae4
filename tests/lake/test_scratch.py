"""Temporary folders, and those that a killed process left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_lab.lake.scratch import scratch_folder

HOLD = """
from mlops_lab.lake.scratch import scratch_folder

with scratch_folder() as folder:
    (folder / "sub").mkdir()
    (folder / "sub" / "rows").write_bytes(b"x" * 1000)
    print(folder, flush=True)
    input()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def hold_folder() -> tuple[subprocess.Popen[str], Path]:
    """A process that holds a folder, which looks an hour old, until it is ended."""
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    an_hour_ago = folder.stat().st_mtime - 3600
    os.utime(folder, (an_hour_ago, an_hour_ago))
    return process, folder


def test_a_folder_is_gone_afterwards(temporary: Path):
    with scratch_folder() as folder:
        (folder / "rows").write_bytes(b"x")
        assert folder.parent == temporary
    assert list(temporary.iterdir()) == []


def test_only_the_folder_of_a_killed_process_is_deleted(temporary: Path):
    process, folder = hold_folder()
    with process:
        with scratch_folder():
            assert (folder / "sub" / "rows").exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
        with scratch_folder() as own:
            assert list(temporary.iterdir()) == [own]


def test_what_is_new_or_not_a_folder_is_left_alone(temporary: Path):
    kept = temporary / "mlops-lake-new"
    kept.mkdir()
    somewhere = temporary / "somewhere"
    somewhere.mkdir()
    link, file = temporary / "mlops-lake-link", temporary / "mlops-lake-file"
    link.symlink_to(somewhere)
    file.write_text("")
    for path in (somewhere, file):
        os.utime(path, (0, 0))
    with scratch_folder():
        pass
    assert sorted(temporary.iterdir()) == sorted([kept, somewhere, link, file])
