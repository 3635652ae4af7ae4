"""What a worker does beside answering: follow the file of the routing table, and publish its counts."""

from __future__ import annotations

import asyncio
import logging

from mlops_lab.errors import MlopsError
from mlops_lab.serving.answering.malloc_trim import trim_memory
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.service import Service
from mlops_lab.serving.process.shared_counts import SharedCounts

POLL_SECONDS = 0.1
_log = logging.getLogger("mlops_lab.serving")


class BackgroundTasks:
    """The tasks of one worker, from `start` to `stop`."""

    def __init__(self, service: Service, counts: SharedCounts, *, workers: int) -> None:
        self._service = service
        self._counts = counts
        self._workers = workers
        self._tasks: list[asyncio.Task[None]] = []
        self.deployment_error: str | None = None
        """Why the newest routing table could not be deployed; None if it was."""

    def start(self) -> None:
        """Begin all of them."""
        self._counts.publish()
        work = [self._follow_routing_table()]
        if self._workers > 1:
            work.append(self._publish_counts())
        self._tasks = [asyncio.create_task(task) for task in work]

    def stop(self) -> None:
        """End all of them."""
        for task in self._tasks:
            task.cancel()

    async def _follow_routing_table(self) -> None:
        """Deploy the routing table whenever its file is replaced. What it needs is loaded in a thread."""
        path = self._service.project.deployment_path
        seen = None
        while True:
            try:
                status = path.stat()
                if (status.st_ino, status.st_mtime_ns) != seen:
                    seen = (status.st_ino, status.st_mtime_ns)
                    routing = read_routing_table(path)
                    is_new = routing != self._service.models.routing_table
                    if is_new:
                        prepared = await asyncio.to_thread(self._service.prepare, routing)
                        self._service.switch_to(prepared)
                        del prepared
                        self._counts.publish()
                    # before the next await: no status shows the old error beside the new version
                    self.deployment_error = None
                    if is_new:
                        await asyncio.to_thread(trim_memory)
            except (MlopsError, OSError) as error:
                self.deployment_error = str(error)
                _log.error("the new routing table was not deployed: %s", error)
            await asyncio.sleep(POLL_SECONDS)

    async def _publish_counts(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            self._counts.publish()
