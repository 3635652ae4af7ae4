"""The memory of the machine, or of the container in which this process runs."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.errors import EnvironmentFault
from mlops_lab.notes import tell

LARGE_BYTES = 2 * 2**30
"""Work that takes less needs no words, and is never refused."""
CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")
_GIB = 2**30


def check_memory_left(work: str, needed_bytes: int, *, where: str, hint: str, held_bytes: int = 0) -> None:
    """Tell how much memory some work takes, where that is much; EnvironmentFault where less is left.

    `held_bytes`: what of it this process has already.
    """
    if needed_bytes < LARGE_BYTES:
        return
    seen, free = f"{work} takes about {needed_bytes / _GIB:.1f} GiB of memory", free_bytes()
    if free is not None and needed_bytes - held_bytes > free:
        what = f"{seen}, and {free / _GIB:.1f} GiB are left"
        hint = f"{hint}; or end other programs, or take a larger machine"
        raise EnvironmentFault(what, code="too_little_memory", where=where, hint=hint)
    tell(seen)


def free_bytes(cgroup: Path = CGROUP, meminfo: Path = MEMINFO) -> int | None:
    """The bytes of memory that are left, on the machine and in the container; None where nothing tells it."""
    machine, limit, used = _read_meminfo("MemAvailable", meminfo), _read_limit(cgroup), _read_used(cgroup)
    if machine is None or limit is None or used is None:
        return machine
    return min(machine, max(0, limit - used))


def total_bytes(cgroup: Path = CGROUP, meminfo: Path = MEMINFO) -> int | None:
    """The bytes of memory of the machine, or of the container; None where nothing tells it."""
    machine, limit = _read_meminfo("MemTotal", meminfo), _read_limit(cgroup)
    return machine if machine is None or limit is None else min(machine, limit)


def _read_limit(cgroup: Path) -> int | None:
    """The limit of the container, in the files of cgroup 2, or of cgroup 1."""
    limit = _read_number(cgroup / "memory.max")
    return _read_number(cgroup / "memory" / "memory.limit_in_bytes") if limit is None else limit


def _read_used(cgroup: Path) -> int | None:
    """What the container holds, without the files that it only keeps for the next reader: they give way."""
    for folder, file, cached in (
        (cgroup, "memory.current", "inactive_file"),
        (cgroup / "memory", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        used = _read_number(folder / file)
        if used is not None:
            return max(0, used - _read_statistic(folder / "memory.stat", cached))
    return None


def _read_meminfo(name: str, meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), None)


def _read_statistic(path: Path, name: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.split()[0] == name), 0)


def _read_number(path: Path) -> int | None:
    """The number in a file of the container; None where it is "max", or there is no such file."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
