"""Whether a server can write: one that cannot has no answers, and wants no requests."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from mlops_lab.errors import EnvironmentFault
from mlops_lab.files import disk_fault

MAX_AGE_SECONDS = 1.0
"""How long a result is used: whoever asks more often costs nothing."""
_BYTES = 8192


class DiskProbe:
    """Tries to write a small file in a folder, in a thread."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "probe"
        self._result: asyncio.Future[EnvironmentFault | None] | None = None
        self._began = 0.0

    async def check(self) -> None:
        """EnvironmentFault where nothing could be written within the last `MAX_AGE_SECONDS`."""
        now = time.perf_counter()
        if self._result is None or (self._result.done() and now - self._began >= MAX_AGE_SECONDS):
            self._began = now
            self._result = asyncio.get_running_loop().run_in_executor(None, self._write)
        fault = await asyncio.shield(self._result)
        if fault is not None:
            raise EnvironmentFault(fault.what, code=fault.code, where=fault.where, hint=fault.hint)

    def _write(self) -> EnvironmentFault | None:
        try:
            with self._path.open("wb") as file:
                file.write(b"\0" * _BYTES)
                file.flush()
                os.fsync(file.fileno())
            self._path.unlink()
        except OSError as error:
            return disk_fault(error, self._path.parent)
        return None
