"""Drill: the disk of the server is full, and has space again when somebody has made it."""

from __future__ import annotations

import time
from datetime import timedelta

from mlops_lab.drills.asking import BREAK_AFTER, Asker, count_harmed, first_refusal
from mlops_lab.drills.drill import Drill, Observed, Target
from mlops_lab.drills.ground import Ground
from mlops_lab.drills.small_disk import fill, serve_on_small_disk

_CODES = ("disk_full", "disk_fault")
_REFUSED = 20
"""So many requests are refused before somebody makes space."""


def run(ground: Ground) -> Observed:
    """What the server did about it."""
    project = ground.fork()
    asker = Asker(ground, project)
    ground.report("filling the disk")
    with serve_on_small_disk(project) as (address, disk):
        ballast = fill(disk)  # before the first request: the journal reserves space with it, and answers from that
        full = time.perf_counter()
        asker.to(address)
        detected = asker.ask_until(lambda _: bool(first_refusal(asker.asked, _CODES)))
        asker.ask_until(lambda _: len(asker.asked.refused) >= _REFUSED)
        ballast.unlink()
        asker.ask_until(lambda is_answered: is_answered)
        recovered = time.perf_counter() - full
        asker.ask_many(BREAK_AFTER)
        asker.close()
    return Observed(
        fault="the disk is full",
        detected=timedelta(seconds=detected),
        detected_by=first_refusal(asker.asked, _CODES),
        recovered=timedelta(seconds=recovered),
        requests=len(asker.asked.outputs) + len(asker.asked.refused),
        harmed=count_harmed(ground, asker.asked),
    )


FULL_DISK = Drill(
    name="full-disk",
    summary="The disk of the server is full.",
    target=Target(detect=timedelta(seconds=10), recover=timedelta(seconds=30), harmed_share=0.5),
    run=run,
    needs_days=False,
)
