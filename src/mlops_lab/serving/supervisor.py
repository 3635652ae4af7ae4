"""Several workers behind one port: started together, started again when one dies, stopped together."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mlops_lab.errors import EnvironmentFault

RESTARTS, WITHIN_SECONDS = 5, 600.0
"""How often workers are started again within how many seconds: where more die there is a reason to stop."""
STOP_SECONDS = 15.0


class Supervisor:
    """Keeps the workers of a server alive. They share its socket, so none that dies takes a connection with it that
    another could have taken, and each stops when this process is gone."""

    def __init__(self, command: list[str], listener: socket.socket, *, workers: int, with_parent: bool) -> None:
        self._command = command
        self._listener = listener
        self._workers = workers
        self._with_parent = with_parent
        self._stopping = asyncio.Event()
        self._starts: list[float] = []
        self._fault: EnvironmentFault | None = None

    async def run(self, ready: Callable[[], None]) -> None:
        """Until told to stop; `ready` is called when all workers answer. EnvironmentFault where they keep dying."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        if self._with_parent:
            loop.add_reader(sys.stdin.fileno(), self._parent_spoke)
        begun = [asyncio.Event() for _ in range(self._workers)]
        keepers = [asyncio.create_task(self._keep(worker, begun[worker])) for worker in range(self._workers)]
        all_ready = asyncio.create_task(_all(begun))
        await asyncio.wait([all_ready, *keepers], return_when=asyncio.FIRST_COMPLETED)
        if all_ready.done():
            ready()
            await self._stopping.wait()
        all_ready.cancel()
        self._stopping.set()
        await asyncio.gather(*keepers)
        if self._fault is not None:
            raise self._fault

    async def _keep(self, worker: int, begun: asyncio.Event) -> None:
        """Have one worker alive until all are to stop."""
        while not self._stopping.is_set():
            process = await asyncio.create_subprocess_exec(
                *self._command,
                *("--worker", str(worker), "--workers", str(self._workers)),
                *("--socket", str(self._listener.fileno()), "--stop-with-parent"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                pass_fds=[self._listener.fileno()],
                process_group=0,  # Ctrl-C is for this process, which stops the workers in good order
            )
            assert process.stdout is not None
            if await process.stdout.readline():
                begun.set()
            died = asyncio.create_task(process.wait())
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait([died, stopping], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not died.done():
                await _stop(process)
            elif not self._stopping.is_set() and self._is_enough(worker, died.result()):
                self._stopping.set()

    def _is_enough(self, worker: int, code: int) -> bool:
        now = time.perf_counter()
        self._starts = [start for start in self._starts if start > now - WITHIN_SECONDS] + [now]
        if len(self._starts) <= RESTARTS:
            return False
        self._fault = EnvironmentFault(
            f"workers died {len(self._starts)} times, the last one (worker {worker}) with exit code {code}",
            code="workers_die",
            hint="read the log; nothing that was answered is lost",
        )
        return True

    def _parent_spoke(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._stopping.set()


async def _all(events: list[asyncio.Event]) -> None:
    for event in events:
        await event.wait()


async def _stop(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def worker_command(root: Path, options: list[str]) -> list[str]:
    """How a worker of a project is started."""
    return [sys.executable, "-m", "mlops_lab.serving", str(root), *options]
