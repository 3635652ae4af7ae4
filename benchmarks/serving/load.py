"""Load from wrk: how many requests a second are answered, and how fast."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("load.lua")
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Setting:
    """A load: requests with this many rows over this many connections."""

    name: str
    connections: int
    rows: int = 1


@dataclass(frozen=True)
class Load:
    """The result. `refused`: responses that are not 2xx; `broken`: connections; `late`: timeouts."""

    answered: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    broken: int
    late: int

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.answered / self.seconds

    @property
    def faults(self) -> int:
        """Requests without a proper response: they invalidate the measurement."""
        return self.refused + self.broken + self.late or int(self.answered == 0)

    def explain(self) -> str:
        """The faults in words."""
        wrong = f"{self.refused} answers were not 2xx, {self.broken} connections broke, {self.late} waited too long"
        return f"{wrong}; {self.answered} answered"


def find_wrk() -> str:
    """The path of wrk; exits with a hint if it is missing."""
    found = shutil.which("wrk")
    if found is None:
        raise SystemExit("error: wrk is not installed\nhint: on Debian and Ubuntu: apt install wrk")
    return found


def send_load(url: str, bodies: Path, setting: Setting, *, seconds: int) -> Load:
    """Send the lines of `bodies` to `url` again and again for some seconds."""
    command = [find_wrk(), "--threads", "1", "--connections", str(setting.connections), "--duration", f"{seconds}s"]
    command += ["--timeout", f"{PATIENCE_SECONDS}s", "--script", str(SCRIPT), url, "--", str(bodies)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Load(**json.loads(done.stdout.splitlines()[-1]))
