"""What a server does on SIGHUP, which without a handler ends a process in the middle of its answers."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable


def outlive_hangup() -> None:
    """Let SIGHUP not end this process before `follow_hangup`: there is nothing to reload yet."""
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: None)


def follow_hangup(*, reload: Callable[[], None], stop: Callable[[], None]) -> None:
    """On SIGHUP call `reload`; or `stop`, if it says that the terminal was closed. To be called in an event loop.

    A process that was told to ignore the signal (nohup) does not stop.
    """
    has_terminal = signal.getsignal(signal.SIGHUP) != signal.SIG_IGN and _has_terminal()

    def handle() -> None:
        if has_terminal and not _has_terminal():
            stop()
        else:
            reload()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, handle)


def _has_terminal() -> bool:
    """Whether this process can be typed at."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
