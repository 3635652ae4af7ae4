"""Files: the old or the new content at every moment, the declared mode, and what a disk that refuses means."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.files import check_path, disk_fault, sync_folder, write_atomically
from mlops_lab.lake import Lake

OLD, NEW = b"old" * 100, b"new" * 200

DIE = """
import os, signal, sys
from pathlib import Path
from mlops_lab.files import write_atomically

path, deadly = Path(sys.argv[1]), int(sys.argv[2])
calls = 0

def audit(event, arguments):
    global calls
    if event in {"open", "os.rename"} and str(path.parent) in str(arguments[0]):
        at_point()

def at_point():
    global calls
    calls += 1
    if calls == deadly:
        os.kill(os.getpid(), signal.SIGKILL)

def around(function):
    def call(*arguments):
        at_point()
        result = function(*arguments)
        at_point()
        return result
    return call

os.fsync = around(os.fsync)
Path.replace = around(Path.replace)
sys.addaudithook(audit)
write_atomically(path, b"new" * 200)
print(calls)
"""


def write_and_die(path: Path, point: int) -> int | None:
    """Write the new content in a process that is killed at its n-th point; the number of points if it was not."""
    command = [sys.executable, "-c", DIE, str(path), str(point)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode == -9:
        return None
    assert process.returncode == 0, process.stderr
    return int(process.stdout)


def test_a_killed_writer_leaves_the_old_or_the_new_content(tmp_path: Path) -> None:
    """Killed before and after each step: opening, syncing, renaming."""
    path = tmp_path / "file"
    seen = []
    for point in range(1, 100):
        path.write_bytes(OLD)
        points = write_and_die(path, point)
        seen.append(path.read_bytes())
        assert seen[-1] in (OLD, NEW)
        if points is not None:
            break
    assert points is not None
    assert points >= 5
    assert seen.count(OLD) >= 3
    assert seen[-1] == NEW
    assert seen == sorted(seen, key=[OLD, NEW].index), "once the new content is there it stays"


def test_a_file_is_created_or_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (OLD, NEW, b""):
        write_atomically(path, content)
        assert path.read_bytes() == content
        write_atomically(path, content, durable=False)
        assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(("durable", "syncs"), [(True, 1), (False, 0)])
def test_only_a_durable_write_waits_for_the_disk(tmp_path: Path, monkeypatch, durable: bool, syncs: int) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    write_atomically(tmp_path / "file", NEW, durable=durable)
    assert len(synced) == syncs


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("mode", "mask", "expected"), [(0o666, 0o022, 0o644), (0o600, 0o022, 0o600), (0o666, 0, 0o666)]
)
def test_a_file_has_its_mode_less_the_umask(tmp_path: Path, mode: int, mask: int, expected: int) -> None:
    path = tmp_path / "file"
    with umask(mask):
        write_atomically(path, b"secret", mode=mode)
    assert stat.S_IMODE(path.stat().st_mode) == expected


def test_a_secret_is_never_readable_by_others(tmp_path: Path, monkeypatch) -> None:
    """Not even before the file has its name."""
    modes = []
    real = os.fsync

    def look(file: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(file).st_mode))
        real(file)

    monkeypatch.setattr(os, "fsync", look)
    write_atomically(tmp_path / "file", b"secret", mode=0o600)
    assert modes == [0o600]


def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, NEW)
    assert path.read_bytes() == OLD
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_is_synced_and_must_exist(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    sync_folder(tmp_path)
    after = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    assert after == before
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "nowhere")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_as_such(tmp_path: Path, number: int) -> None:
    error = disk_fault(OSError(number, os.strerror(number)), tmp_path)
    assert (error.code, error.where, error.exit_code) == ("disk_full", str(tmp_path), 3)
    assert error.what == "the disk is full"
    assert "free some space" in error.hint


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EIO])
def test_any_other_refusal_says_what_the_system_said(tmp_path: Path, number: int) -> None:
    error = disk_fault(OSError(number, os.strerror(number)), tmp_path)
    assert error.code == "disk_fault"
    assert os.strerror(number) in error.what
    assert "writable" in error.hint


@pytest.mark.parametrize("name", ["runs [v2]", "a^b", "a|b", "a%20b", "what?", "a\\b", "a\nb"])
def test_a_path_in_which_nothing_can_be_stored_is_refused(tmp_path, name):
    with pytest.raises(InvalidInput, match="no tables can be stored there") as caught:
        check_path(tmp_path / name / "project")
    assert caught.value.code == "unusable_folder"


@pytest.mark.parametrize(
    "name", ["a b", "a#b", "ä ö", "a*b", "a{b}", "a\"b'", "a&b=c;d", "a<b>", "a`b", "a:b@c", "50%", "-a"]
)
def test_in_any_other_path_tables_are_stored(tmp_path, name):
    check_path(tmp_path / name)
    lake = Lake(tmp_path / name / "lake")
    for number in (1, 2):
        lake.append("table", pl.DataFrame({"number": [number]}))
    assert sorted(Lake(lake.path).read("table")["number"]) == [1, 2]
    assert len([*lake.table_path("table").glob("*.parquet")]) == 2
