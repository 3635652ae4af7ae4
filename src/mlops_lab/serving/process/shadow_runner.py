"""Scores requests for versions in shadow, after their clients have their answers."""

from __future__ import annotations

import asyncio
import logging

from mlops_lab.errors import MlopsError
from mlops_lab.serving.answering.service import Service

SHADOW_PATIENCE_SECONDS = 2.0
GATHER_SECONDS = 0.02
"""How long the first request waits for others: scoring many together costs a tenth of scoring each by itself."""
_log = logging.getLogger("mlops_lab.serving")


class ShadowRunner:
    """Runs one task at a time, as long as requests wait for a version in shadow."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._gathering: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Score what waits in a moment, unless that is under way."""
        if self._task is None and self._gathering is None and self._service.has_shadows:
            self._gathering = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._begin)

    async def finish(self) -> None:
        """Score what waits at once; returns when it is scored, but after `SHADOW_PATIENCE_SECONDS` at the latest."""
        if self._gathering is not None:
            self._begin()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=SHADOW_PATIENCE_SECONDS)

    def _begin(self) -> None:
        assert self._gathering is not None
        self._gathering.cancel()
        self._gathering, self._task = None, asyncio.create_task(self._score_all())

    async def _score_all(self) -> None:
        """In a thread: while an engine scores, other threads can work."""
        try:
            while (task := self._service.next_shadows()) is not None:
                self._service.note_shadows(task, await asyncio.to_thread(task.run))
        except MlopsError as error:
            _log.error("the answers of a version in shadow are not written down: %s", error)
        finally:
            self._task = None
