"""What the grader's process may not do: connect to another machine, change files outside of its own folder, or take
all of the machine.

It protects from accidents, such as a path that is wrong. It is no sandbox: the code is the learner's own, on the
learner's machine.
"""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import Any

_CHANGES = {"os.remove": 1, "os.rmdir": 1, "os.mkdir": 1, "os.rename": 2, "os.truncate": 1, "shutil.rmtree": 1}
"""Events of Python that change files, and how many of their arguments are paths."""
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
MAX_CPU_SECONDS, MAX_MEMORY_BYTES, MAX_FILE_BYTES = 3, 4_000_000_000, 50_000_000
"""For what a check runs. The longest one computes for a second, however long it takes where much else runs."""
_LOOPBACK = ("127.", "::1", "localhost")


def install_guard(folder: Path) -> None:
    """From now on this process raises PermissionError instead of doing what it may not."""
    allowed = os.path.realpath(folder) + os.sep

    def check_path(path: Any) -> None:
        if isinstance(path, str | bytes | os.PathLike):
            real = os.path.realpath(os.fsdecode(path))
            if not (real + os.sep).startswith(allowed) and not real.startswith("/dev/"):
                raise PermissionError(f"a check must not change files outside of the exercise: {real}")

    def check_event(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and arguments[2] & _WRITES:
            check_path(arguments[0])
        elif event in _CHANGES:
            for path in arguments[: _CHANGES[event]]:
                check_path(path)
        elif event == "socket.connect":
            _check_address(arguments[1])

    sys.addaudithook(check_event)


def limit_resources() -> None:
    """From now on this process, and each that it starts, ends by SIGXCPU if it computes for too long; what asks for too
    much memory gets a MemoryError, and what writes too large a file an OSError."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = ceil(used.ru_utime + used.ru_stime) + MAX_CPU_SECONDS
    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_AS: MAX_MEMORY_BYTES,
        resource.RLIMIT_FSIZE: MAX_FILE_BYTES,
    }
    for kind, most in limits.items():
        hard = resource.getrlimit(kind)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(ValueError, OSError):  # macOS knows no limit of memory
            resource.setrlimit(kind, (allowed, hard))


def _check_address(address: Any) -> None:
    """PermissionError for an address of another machine. A local socket's address is a path, not a tuple."""
    if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
        raise PermissionError(f"a check must work without a network: {address[0]}")
