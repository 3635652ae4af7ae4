"""Several workers behind one port: started together, started again when one dies, stopped together."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from mlops_lab.errors import EnvironmentFault
from mlops_lab.serving.process.restarts import RESTARTS, WITHIN_SECONDS, Restarts

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
        self._restarts = Restarts()
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
            elif not self._stopping.is_set() and self._restarts.is_enough():
                self._fault = EnvironmentFault(
                    f"workers died more than {RESTARTS} times within {WITHIN_SECONDS / 60:.0f} minutes, the last one "
                    f"(worker {worker}) with exit code {died.result()}",
                    code="workers_die",
                    hint="read the log; nothing that was answered is lost",
                )
                self._stopping.set()

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
