"""Run days of the made-up project, and be killed at a commit point: before or after something is written.

    python ticking.py < JOBS > RESULTS

What takes seconds to import is imported once; every run is a fork. A job copies a project, is run and killed with
kill -9 at each of its kill points, one run after the other, and then runs on to the end.
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

RUN_SECONDS = 90


def play_days(project: Project, world: World, first: int, last: int) -> None:
    """Run the days, with a tick of the loop at the end of each. After a kill it goes on with the unfinished day."""
    loop = Loop(project)
    if (retraining := loop.state.retraining) is not None:
        loop.tick(retraining.at)
    days = [
        day for day in range(first, last) if MEASUREMENTS.position(loop.lake, "tick") < to_micros(day_begin(day + 1))
    ]
    ingest_journal(project, loop.lake)
    loop.act(new_state=True)
    service = Service(project, read_routing_table(project.deployment_path))
    try:
        service.score_shadows()  # those that a killed run did not come to
        for day in days:
            _play_day(service, world, day)
            loop.tick(day_begin(day + 1))
            deployment = read_routing_table(project.deployment_path)
            if deployment != service.models.routing_table:
                service.deploy(deployment)
    finally:
        service.close()


def _play_day(service: Service, world: World, day: int) -> None:
    for moment in live(world, day_begin(day), day_begin(day + 1)):
        outcomes = [msgspec.convert(row, service.schemas.outcome) for row in moment.outcomes]
        assert not service.accept_outcomes(outcomes)["problems"]
        service.accept_facts(
            "traffic", [msgspec.convert(row, service.schemas.rows["traffic"]) for row in moment.traffic]
        )
        answers = service.predict([msgspec.convert(row, service.schemas.request) for row in moment.requests])
        assert not [answer for answer in answers if isinstance(answer, Exception)]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Copy the project in `source` to `target` and run it from day `first` to day `last` (exclusive).

    A kill point is ("before Lake.append", 3): be killed before the third call of `append` in this run, or ("any", 3):
    at the third commit point, whatever it is. A run that ends before that is the last one.
    """

    source: str
    target: str
    first: int
    last: int
    kill_points: list[tuple[str, int]] = []


class JobResult(msgspec.Struct, frozen=True):
    """What became of a job: how many runs were killed, and the commit points that the last one passed."""

    killed: int
    points: dict[str, int]


class KillSwitch:
    """Counts commit points; at the one it was set to, it kills this process."""

    def __init__(self, kill_point: tuple[str, int] | None) -> None:
        self._kill_point = kill_point
        self.points: Counter[str] = Counter()

    def wire(self, owner: Any, name: str) -> None:
        """Make every call of a function or method two commit points."""
        work: Callable[..., Any] = getattr(owner, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._pass(f"before {owner.__name__}.{name}")
            result = work(*arguments, **named)
            self._pass(f"after {owner.__name__}.{name}")
            return result

        setattr(owner, name, call)

    def _pass(self, point: str) -> None:
        self.points.update([point, "any"])
        if (
            self._kill_point
            and self.points[self._kill_point[0]] == self._kill_point[1]
            and self._kill_point[0] in {point, "any"}
        ):
            os.kill(os.getpid(), signal.SIGKILL)


def run_once(job: Job, kill_point: tuple[str, int] | None) -> dict[str, int]:
    """A run in this process; the commit points it passed."""
    from mlops_lab.registry.store.model_registry import MlflowClient, ModelRegistry

    switch = KillSwitch(kill_point)
    switch.wire(Lake, "append")
    switch.wire(Journal, "append")
    switch.wire(deploy, "write_routing_table")
    switch.wire(ModelRegistry, "_write_package")
    switch.wire(MlflowClient, "create_model_version")
    switch.wire(MlflowClient, "set_registered_model_alias")
    play_days(load_project(Path(job.target)), make_world(), job.first, job.last)
    return dict(switch.points)


def fork_run(job: Job, kill_point: tuple[str, int] | None) -> dict[str, int] | None:
    """A run in a child process; its commit points, or None where it was killed."""
    points_file = Path(job.target) / "points.json"
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(RUN_SECONDS)  # whatever hangs does not hang for ever
            points_file.write_bytes(msgspec.json.encode(run_once(job, kill_point)))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    assert status == 0, f"a run in {job.target} ended with status {status}"
    return msgspec.json.decode(points_file.read_bytes(), type=dict[str, int])


def run_job(job: Job) -> JobResult:
    """All runs of a job."""
    shutil.copytree(job.source, job.target)
    for killed, kill_point in enumerate([*job.kill_points, None]):
        points = fork_run(job, kill_point)
        if points is not None:
            return JobResult(killed, points)
    raise AssertionError("the last run is not killed")


def main() -> None:
    # Nothing here may start threads of Polars: a fork would wait for them for ever.
    import lightgbm  # noqa: F401

    import mlops_lab.loop.retrain  # noqa: F401

    jobs = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Job])
    sys.stdout.buffer.write(msgspec.json.encode([run_job(job) for job in jobs]))


if __name__ == "__main__":
    main()
