"""A Ray cluster as the place where models are fitted.

The connection to the cluster is held by a process of its own (`training.ray_driver`): where it is lost, Ray ends the
process that held it, at once and without an exception.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import msgspec

from mlops_lab.errors import EnvironmentFault, InvalidInput, MlopsError
from mlops_lab.extras import needs_extra
from mlops_lab.project.sections import TrainingSection
from mlops_lab.training.environment import describe_environment
from mlops_lab.training.fit import Fitted
from mlops_lab.training.pipeline import Pipeline, importing_from
from mlops_lab.training.ray_driver import WHERE, Shared, drive
from mlops_lab.training.ray_task import Outcome, pack

T = TypeVar("T")
_END_SECONDS = 20.0


@contextmanager
def connect(settings: TrainingSection) -> Iterator[RayPlace]:
    """The cluster that the settings name, and the connection to it closed afterwards. EnvironmentFault where it cannot
    be reached."""
    with needs_extra("ray", "training on Ray", where=WHERE):
        from ray import cloudpickle
    processes = multiprocessing.get_context("spawn")
    ours, theirs = processes.Pipe()
    driver = processes.Process(target=drive, args=(settings, theirs), daemon=True)
    driver.start()
    theirs.close()
    try:
        place = RayPlace(cloudpickle, ours)
        place.receive()  # it is connected
        yield place
    finally:
        ours.close()  # which ends the process
        driver.join(_END_SECONDS)
        driver.kill()


@dataclass
class RayPlace:
    """A cluster. `pickle` is Ray's own, which takes functions, too; what it writes lives no longer than the work."""

    pickle: Any
    connection: Connection
    _environment: list[Shared] = field(default_factory=list)

    def share(self, value: Any) -> Any:
        """What stands for the value, which lies in the object store of the cluster."""
        return self._ask("share", self._dump(value))

    def map(
        self, work: Callable[..., T], pipeline: Pipeline, arguments: Iterable[tuple[Any, ...]]
    ) -> Generator[T, None, None]:
        """The results, in order; all works are handed over at once, and those not asked for any more are ended.

        EnvironmentFault where a process dies whenever it does the work, where the cluster has other libraries than are
        here, where it has no node that is large enough for as long as the settings say, and where it is lost.
        """
        if not self._environment:
            self._environment.append(self.share(describe_environment()))
        first = [*self._environment, self._dump(work), self.share(pack(pipeline))]
        calls = [
            [*first, *(each if isinstance(each, Shared) else self._dump(each) for each in call)] for call in arguments
        ]
        return self._results(pipeline, self._ask("begin", calls), len(calls))

    def _results(self, pipeline: Pipeline, batch: int, count: int) -> Generator[Any, None, None]:
        try:
            for number in range(count):
                answer = self._ask("finish", batch, number)
                with importing_from(pipeline.folder):  # the result may be of a class that lies there
                    outcome = self.pickle.loads(answer)
                yield _take(outcome)
        finally:
            self._ask("end", batch)

    def _ask(self, *message: Any) -> Any:
        try:
            self.connection.send(message)
        except OSError as error:
            raise _lost() from error
        return self.receive()

    def receive(self) -> Any:
        """What the other process answers; what it raises."""
        try:
            answer = self.connection.recv()
        except (EOFError, OSError) as error:
            raise _lost() from error
        if isinstance(answer, MlopsError):
            raise answer
        return answer

    def _dump(self, value: Any) -> bytes:
        try:
            return bytes(self.pickle.dumps(value))
        except Exception as error:  # whatever a value of the project raises that cannot travel
            raise InvalidInput(
                f"cannot be sent to the Ray cluster: {error}",
                code="not_sendable",
                where="model()",
                hint="let model() open files, locks and connections itself, or save it in pipeline.py",
            ) from error


def _take(outcome: Outcome) -> Any:
    """The result; a model says on what machine it was fitted."""
    if outcome.error is not None:
        raise outcome.error
    if not isinstance(outcome.result, Fitted):
        return outcome.result
    there = outcome.environment
    machine = msgspec.structs.replace(
        describe_environment(), cpu=there.cpu, libc=there.libc, threads=there.threads, variables=there.variables
    )
    return replace(outcome.result, environment=machine)


def _lost() -> EnvironmentFault:
    return EnvironmentFault(
        "the Ray cluster was lost in the middle of the work",
        code="ray_lost",
        where=WHERE,
        hint="run it again when `ray status` shows the cluster; `mlops tune` goes on with the trials that it has",
    )
