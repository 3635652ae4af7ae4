"""What a worker does beside answering: follow the file of the routing table, and publish its counts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from mlops_lab.serving.answering.malloc_trim import trim_memory
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.process.shared_counts import SharedCounts

POLL_SECONDS = 0.1
MAX_PAUSE_SECONDS = 5.0
"""The longest pause before what could not be loaded is tried again; the first one is `POLL_SECONDS`."""
_log = logging.getLogger("mlops_lab.serving")


class BackgroundTasks:
    """The tasks of one worker, from `start` to `stop`. Whatever goes wrong in one of them, it goes on."""

    def __init__(self, service: Service, counts: SharedCounts) -> None:
        self._counts = counts
        self._follower = Follower(service, counts)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin all of them."""
        self._counts.publish()
        work: dict[str, Callable[[], Awaitable[None]]] = {
            "routing table": self._follower.follow,
            "counts": self._publish_counts,  # the other workers and the loop's guardrails read them
        }
        self._tasks = [asyncio.create_task(_repeat(name, step)) for name, step in work.items()]

    def stop(self) -> None:
        """End all of them."""
        for task in self._tasks:
            task.cancel()

    async def _publish_counts(self) -> None:
        self._counts.publish()


class Follower:
    """Takes the routing table over whenever its file is replaced. What could not be loaded is tried again, after
    pauses that grow; each reason is logged once."""

    def __init__(self, service: Service, counts: SharedCounts) -> None:
        self._service = service
        self._counts = counts
        self._seen: tuple[int, int] | None = None
        self._pause = POLL_SECONDS
        self._try_at: float | None = None
        """When what failed is tried again; None where nothing has."""
        self._told = ""

    async def follow(self) -> None:
        """Take the routing table over if it was replaced, or if it is time to try again."""
        service, now = self._service, asyncio.get_running_loop().time()
        path, is_taken = service.project.deployment_path, False
        try:
            status = path.stat()
            found = (status.st_ino, status.st_mtime_ns)
            is_replaced = found != self._seen
            if not is_replaced and (self._try_at is None or now < self._try_at):
                return
            if is_replaced:
                self._seen, self._pause = found, POLL_SECONDS
            is_taken = await self._take_over()
            # before the next await: no status shows the old error beside the new version
            service.deployment_error = None
        except Exception as error:  # an unexpected one, too: the next table must be followed
            if isinstance(error, FileNotFoundError) and error.filename == str(path):
                self._seen = None
            service.deployment_error = str(error) or type(error).__name__
        self._counts.publish()
        self._note_faults(now)
        if is_taken:
            await asyncio.to_thread(trim_memory)

    async def _take_over(self) -> bool:
        """Answer by the routing table in the file, which is loaded in a thread; whether that changes anything."""
        service = self._service
        routing, before = read_routing_table(service.project.deployment_path), service.models
        if routing == before.routing_table and not before.faults:
            return False
        prepared = await asyncio.to_thread(service.prepare, routing)
        if routing == before.routing_table and prepared.models.by_live.keys() == before.by_live.keys():
            before.faults = prepared.models.faults
            return False
        service.switch_to(prepared)
        return True

    def _note_faults(self, now: float) -> None:
        """Log what is wrong where that is new, and set when to try again."""
        error, faults = self._service.deployment_error, self._service.models.faults
        lines = [] if error is None else [f"the routing table was not taken over: {error}"]
        lines += [
            f"version {version} was not loaded, the champion answers for it: {why}" for version, why in faults.items()
        ]
        self._try_at = now + self._pause if lines else None
        self._pause = min(2 * self._pause, MAX_PAUSE_SECONDS) if lines else POLL_SECONDS
        text = "; ".join(lines)
        if text and text != self._told:
            _log.error(text)
        elif self._told and not text:
            _log.warning(
                "the routing table is followed again, with generation %d", self._service.models.routing_table.generation
            )
        self._told = text


async def _repeat(name: str, step: Callable[[], Awaitable[None]]) -> None:
    """Do the step again and again. An unexpected error is logged once, and does not end it."""
    told = ""
    while True:
        try:
            await step()
            told = ""
        except Exception as error:
            if repr(error) != told:
                _log.exception("the %s could not be followed", name)
            told = repr(error)
        await asyncio.sleep(POLL_SECONDS)
