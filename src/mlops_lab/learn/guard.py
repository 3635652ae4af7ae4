"""What the grader's process may not do: connect to another machine, or change files outside of its own folder.

It protects from accidents, such as a path that is wrong. It is no sandbox: the code is the learner's own, on the
learner's machine.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

_CHANGES = {"os.remove": 1, "os.rmdir": 1, "os.mkdir": 1, "os.rename": 2, "os.truncate": 1, "shutil.rmtree": 1}
"""Events of Python that change files, and how many of their arguments are paths."""
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
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


def _check_address(address: Any) -> None:
    """PermissionError for an address of another machine. A local socket's address is a path, not a tuple."""
    if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
        raise PermissionError(f"a check must work without a network: {address[0]}")
