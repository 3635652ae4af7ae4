"""Drill: the server process is killed (SIGKILL) while requests come in."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import timedelta

from mlops_lab.drills.asking import BREAK_AFTER, Asker, count_harmed
from mlops_lab.drills.drill import Drill, Observed, Target
from mlops_lab.drills.ground import Ground
from mlops_lab.errors import MlopsError
from mlops_lab.serving.process.watchdog import Watchdog


def run(ground: Ground) -> Observed:
    """What the watchdog of `mlops up` did about it."""
    project = ground.fork()
    asker = Asker(ground, project)
    told: list[tuple[float, MlopsError]] = []
    is_back = threading.Event()
    ground.report("killing the server")
    with Watchdog(
        project,
        port=0,
        on_error=lambda error: told.append((time.perf_counter(), error)),
        on_restart=lambda _: is_back.set(),
    ) as watchdog:
        asker.to(watchdog.address)
        asker.ask_many(BREAK_AFTER)
        os.kill(watchdog.address.pid, signal.SIGKILL)
        killed = time.perf_counter()
        asker.ask_until(lambda is_answered: is_answered and is_back.is_set())
        recovered = time.perf_counter() - killed
        asker.ask_many(BREAK_AFTER)
        asker.close()
    return Observed(
        fault="the server is killed",
        detected=timedelta(seconds=told[0][0] - killed) if told else None,
        detected_by=told[0][1].what if told else "",
        recovered=timedelta(seconds=recovered),
        requests=len(asker.asked.outputs) + len(asker.asked.refused),
        harmed=count_harmed(ground, asker.asked),
    )


DEAD_SERVER = Drill(
    name="dead-server",
    summary="The server process is killed.",
    target=Target(detect=timedelta(seconds=1), recover=timedelta(seconds=10), harmed_share=0.9),
    run=run,
    needs_days=False,
)
