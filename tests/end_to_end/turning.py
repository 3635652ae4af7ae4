"""Live through days of the made-up project, and be killed at a commit point: before or after something is written.

    python turning.py < JOBS > TOLD

What costs seconds to import is imported once; every life is a fork. A job copies a project, is killed with kill -9 at
each of its burns, one life after the other, and then lives on to the end.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from synthetic import World, day_begin, live, make_world

from mlops_lab.clock import to_micros
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.journal.writer import Journal
from mlops_lab.lake import Lake
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project, load_project
from mlops_lab.rollout import deploy
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.service import Service
from mlops_lab.tables.declared import MEASUREMENTS

LIFE_SECONDS = 90


def play_days(project: Project, world: World, first: int, last: int) -> None:
    """Live through the days, a turn of the loop at the end of each. After a kill it goes on with the unfinished day."""
    loop = Loop(project)
    days = [
        day for day in range(first, last) if MEASUREMENTS.position(loop.lake, "tick") < to_micros(day_begin(day + 1))
    ]
    ingest_journal(project, loop.lake)
    loop.act(fresh=True)
    service = Service(project, read_routing_table(project.deployment_path))
    try:
        service.cast_shadows()  # those that a life before did not come to
        for day in days:
            _play_day(service, world, day)
            loop.tick(day_begin(day + 1))
            deployment = read_routing_table(project.deployment_path)
            if deployment != service.models.deployment:
                service.deploy(deployment)
    finally:
        service.close()


def _play_day(service: Service, world: World, day: int) -> None:
    for moment in live(world, day_begin(day), day_begin(day + 1)):
        outcomes = [msgspec.convert(row, service.doors.outcome) for row in moment.outcomes]
        assert not service.accept_outcomes(outcomes)["problems"]
        service.accept_facts("traffic", [msgspec.convert(row, service.doors.rows["traffic"]) for row in moment.traffic])
        answers = service.predict([msgspec.convert(row, service.doors.request) for row in moment.requests])
        assert not [answer for answer in answers if isinstance(answer, Exception)]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Copy the project in `source` to `target` and live there from day `first` to day `last` (exclusive).

    A burn is ("before append", 3): die before the third call of `append` in this life, or ("any", 3): at the third
    commit point, whatever it is. A life that comes to its end before that was its last.
    """

    source: str
    target: str
    first: int
    last: int
    burns: list[tuple[str, int]] = []


class Told(msgspec.Struct, frozen=True):
    """What became of a job: how many lives ended early, and the commit points that the last one passed."""

    killed: int
    points: dict[str, int]


class Fuse:
    """Counts commit points; at the one it was set to, this process dies."""

    def __init__(self, burn: tuple[str, int] | None) -> None:
        self._burn = burn
        self.points: Counter[str] = Counter()

    def wire(self, owner: Any, name: str) -> None:
        """Make every call of a function or method two commit points."""
        work: Callable[..., Any] = getattr(owner, name)

        def wired(*arguments: Any, **named: Any) -> Any:
            self._pass(f"before {owner.__name__}.{name}")
            result = work(*arguments, **named)
            self._pass(f"after {owner.__name__}.{name}")
            return result

        setattr(owner, name, wired)

    def _pass(self, point: str) -> None:
        self.points.update([point, "any"])
        if self._burn and self.points[self._burn[0]] == self._burn[1] and self._burn[0] in {point, "any"}:
            os.kill(os.getpid(), signal.SIGKILL)


def live_once(job: Job, burn: tuple[str, int] | None) -> dict[str, int]:
    """A life in this process; the commit points it passed."""
    from mlops_lab.registry.store import MlflowClient, ModelRegistry

    fuse = Fuse(burn)
    fuse.wire(Lake, "append")
    fuse.wire(Journal, "append")
    fuse.wire(deploy, "write_routing_table")
    fuse.wire(ModelRegistry, "_write_package")
    fuse.wire(MlflowClient, "create_model_version")
    fuse.wire(MlflowClient, "set_registered_model_alias")
    play_days(load_project(Path(job.target)), make_world(), job.first, job.last)
    return dict(fuse.points)


def fork_life(job: Job, burn: tuple[str, int] | None) -> dict[str, int] | None:
    """A life in a child; its commit points, or None where it was killed."""
    told = Path(job.target) / "points.json"
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(LIFE_SECONDS)  # whatever hangs does not hang for ever
            told.write_bytes(msgspec.json.encode(live_once(job, burn)))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    assert status == 0, f"a life in {job.target} ended with status {status}"
    return msgspec.json.decode(told.read_bytes(), type=dict[str, int])


def do(job: Job) -> Told:
    """All lives of a job."""
    shutil.copytree(job.source, job.target)
    for killed, burn in enumerate([*job.burns, None]):
        points = fork_life(job, burn)
        if points is not None:
            return Told(killed, points)
    raise AssertionError("the last life is not killed")


def main() -> None:
    # Nothing here may start threads of Polars: a fork would wait for them for ever.
    import lightgbm  # noqa: F401

    import mlops_lab.loop.retrain  # noqa: F401

    jobs = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Job])
    sys.stdout.buffer.write(msgspec.json.encode([do(job) for job in jobs]))


if __name__ == "__main__":
    main()
