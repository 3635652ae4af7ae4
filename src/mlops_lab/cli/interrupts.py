"""Ctrl-C ends a command wherever it is, also pressed twice, and no traceback is printed."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mlops_lab.cli.errors import INTERRUPTED_EXIT

_LATER_SECONDS = 0.01
"""So much later an ignored interrupt is raised once more: at once would be in the same place."""


def run_until_interrupted(run: Callable[[], Any]) -> None:
    """Run a command. Once it is interrupted, a further Ctrl-C does nothing: the process ends already."""
    with _nowhere_ignored():
        try:
            run()
        except (KeyboardInterrupt, SystemExit) as stop:
            if isinstance(stop, KeyboardInterrupt) or stop.code == INTERRUPTED_EXIT:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
            raise


@contextmanager
def _nowhere_ignored() -> Iterator[None]:
    """Python ignores what is raised while an object is deleted: an interrupt there is raised once more, after it."""
    before = sys.unraisablehook

    def raise_again(ignored: sys.UnraisableHookArgs) -> None:
        if issubclass(ignored.exc_type, KeyboardInterrupt):
            again = threading.Timer(_LATER_SECONDS, _thread.interrupt_main)
            again.daemon = True
            again.start()
        else:
            before(ignored)

    sys.unraisablehook = raise_again
    try:
        yield
    finally:
        sys.unraisablehook = before
