"""The disk under a project: its room, its speed, its clock."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from statistics import median

from mlops_lab import clock
from mlops_lab.doctor.check import Check, Finding, Patient, fail, ok, warn

MIB = 2**20
LEAST_BYTES = 64 * MIB
"""A segment of the journal."""
FEW_BYTES = 1024 * MIB
SLOW_FSYNC_MS = 20.0
AHEAD_SECONDS = 2.0
_FSYNCS = 5
_BLOCK = b"\0" * 4096
_MOUNTS = Path("/proc/self/mountinfo")
_OVER_A_NETWORK = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "gluster", "lustre", "gpfs", "fuse.", "virtiofs")


def look_at_disk(patient: Patient) -> Finding:
    """Free bytes, whether it can be written, and whether it is another machine's."""
    place = _place(patient)
    status = os.statvfs(place)
    free = status.f_bavail * status.f_frsize
    kind = file_system_of(place)
    seen = f"{free / MIB:,.0f} MiB are free" + (f", {kind}" if kind else "")
    if status.f_flag & os.ST_RDONLY or not os.access(place, os.W_OK):
        return fail(f"{place} cannot be written", "make the folder writable, or move the project")
    if free < LEAST_BYTES:
        return fail(seen, "free some space: the server answers 503 where it cannot write; `mlops gc` frees some")
    if kind and kind.startswith(_OVER_A_NETWORK):
        hint = "keep the project on a disk of this machine: locks and fsync of others may not keep their promise"
        return warn(f"{seen}: a file system of another machine", hint)
    if free < FEW_BYTES:
        return warn(seen, "free some space, or `mlops gc`: the journal and the tables grow with each answer")
    return ok(seen)


def look_at_fsync(patient: Patient) -> Finding:
    """How long it takes until what is written is on the disk: measured with a file that has no name."""
    durability = patient.settled.settings.serving.durability
    milliseconds = measure_fsync_ms(_place(patient))
    seen = f'{milliseconds:.1f} ms until a write is on the disk, durability = "{durability}"'
    if durability == "async" or milliseconds <= SLOW_FSYNC_MS:
        return ok(seen)
    hint = 'each answer waits so long: use a faster disk, or set durability = "async", where a power cut may cost some'
    return warn(seen, hint)


def look_at_clock(patient: Patient) -> Finding:
    """The machine's clock against the times of files, which it wrote itself."""
    now = clock.now().timestamp()
    newest, path = max(((path.stat().st_mtime, path) for path in _dated_files(patient)), default=(0.0, None))
    if path is not None and newest > now + AHEAD_SECONDS:
        ahead = timedelta(seconds=round(newest - now))
        seen = f"{path.relative_to(patient.folder)} is dated {ahead} ahead: the clock was set back"
        return fail(seen, "set the clock (`timedatectl status`), then `mlops tick`, which says what counts as of when")
    with tempfile.TemporaryFile(dir=_place(patient)) as file:
        file.write(_BLOCK)
        file.flush()
        apart = abs(os.fstat(file.fileno()).st_mtime - clock.now().timestamp())
    if apart > AHEAD_SECONDS:
        return warn(
            f"the disk's clock and the machine's are {apart:.0f} s apart", "let both follow the same time server"
        )
    return ok(f"{clock.now():%Y-%m-%d %H:%M:%S} (UTC); no file is dated later")


def measure_fsync_ms(folder: Path) -> float:
    """The median of some writes of 4 KiB, in milliseconds."""
    took = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(_FSYNCS):
            began = time.perf_counter()
            file.write(_BLOCK)
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return median(took)


def file_system_of(folder: Path, mounts: Path = _MOUNTS) -> str:
    """The kind of file system of a folder (`ext4`); empty where the system does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    device = os.stat(folder).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    return next((line.partition(" - ")[2].split()[0] for line in lines if line.split()[2] == wanted), "")


def _place(patient: Patient) -> Path:
    return patient.home if patient.home.is_dir() else patient.folder


def _dated_files(patient: Patient) -> Iterable[Path]:
    home = patient.home
    for pattern in ("*.json", "journal/*.log", "journal/worker-*/*.log", "lake/*/_delta_log/*.json"):
        yield from home.glob(pattern)


DISK = Check(
    name="disk",
    looks_at="free bytes, whether the folder can be written, whether it is a file system of another machine",
    needs="folder",
    look=look_at_disk,
)
FSYNC = Check(
    name="fsync",
    looks_at="how long a write takes to reach the disk, which answers wait for",
    needs="settings",
    look=look_at_fsync,
)
CLOCK = Check(
    name="clock",
    looks_at="the machine's clock, against the times of the files of lake and journal",
    needs="folder",
    look=look_at_clock,
)
