"""Commands as forks of one process, which has imported once what takes seconds to import.

    python command_forks.py < ORDERS > EXIT_CODES

Each is a process of its own, with its own environment and folder, and ends as any other. It ends with its parent.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import pkgutil
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from typing import IO, NoReturn

import msgspec

HEAVY = (
    "lightgbm",
    "sklearn.linear_model",
    "sklearn.pipeline",
    "mlops_lab.loop.tick",
    "mlops_lab.registry.store.model_registry",
    "mlops_lab.serving.answering.service",
)
READ_ON_IMPORT = (
    "COLUMNS",
    "FORCE_",
    "LANG",
    "LC_",
    "MPL",
    "NO_COLOR",
    "OMP_",
    "OPENBLAS",
    "POLARS",
    "PYTHON",
    "TERM",
    "TZ",
)
"""Beginnings of the names of variables that a library looks at only when it is imported."""


def read_on_import(variables: Mapping[str, str]) -> dict[str, str]:
    """Those of the variables that a fork can not be given, as it has imported its libraries."""
    return {name: value for name, value in variables.items() if name.startswith(READ_ON_IMPORT)}


class Order(msgspec.Struct):
    """A command to run: its words, folder and environment, and the files for what it prints."""

    words: list[str]
    folder: str
    variables: dict[str, str]
    out: str
    err: str


class CommandForks:
    """Runs `mlops` commands, one at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._variables = dict(os.environ)  # before any test has changed them for itself

    def can_run(self, variables: dict[str, str]) -> bool:
        """Whether a command with these variables does the same as one that imports everything itself."""
        self._start()
        return read_on_import(variables) == read_on_import(self._variables)

    def run(self, order: Order, *, patience_seconds: float) -> int:
        """The exit code of a command."""
        process = self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        process.stdin.flush()
        if not select.select([process.stdout], [], [], patience_seconds)[0]:
            os.killpg(process.pid, signal.SIGKILL)
            self._process = None
            raise subprocess.TimeoutExpired(order.words, patience_seconds)
        return int(process.stdout.readline())

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
                env=self._variables,
            )
            atexit.register(self._process.communicate)  # it ends with its orders
        return self._process


def main() -> None:
    for module in (*HEAVY, *_commands()):
        importlib.import_module(module)
    gc.freeze()
    for line in sys.stdin.buffer:
        child = os.fork()
        if child == 0:
            _become(msgspec.json.decode(line, type=Order), sys.stdin)
            _end(_run())
        os.write(1, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _run() -> int:
    """The exit code of the command that this process has become."""
    try:
        importlib.import_module("mlops_lab.cli.main").main()
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            sys.stderr.write(f"{ended.code}\n")
            return 1
        return ended.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """End as Python does, but leave the memory of all that was imported to the system: to free it takes longer than a
    command."""
    threading._shutdown()  # type: ignore[attr-defined]  # joins the threads, as a fork of multiprocessing does
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _commands() -> list[str]:
    package = importlib.import_module("mlops_lab.cli")
    return [f"mlops_lab.cli.{found.name}" for found in pkgutil.iter_modules(package.__path__)]


def _become(order: Order, orders: IO[str]) -> None:
    """Make this process look as if it had been started for the order."""
    orders.close()
    os.open(os.devnull, os.O_RDONLY)  # the lowest number that is free: that of stdin
    sys.stdin = os.fdopen(0, closefd=False)
    for number, path in ((1, order.out), (2, order.err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.environ.clear()
    os.environ.update(order.variables)
    os.chdir(order.folder)
    sys.argv = ["mlops", *order.words]
    sys.path[0] = ""  # as with python -c


if __name__ == "__main__":
    main()
