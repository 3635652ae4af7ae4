"""A Ray cluster as the place where models are fitted. Only this module imports Ray.

This package travels with the work; libraries do not: they must be there, in the versions that are here.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.extras import needs_extra
from mlops_lab.project.sections import TrainingSection
from mlops_lab.training.environment import describe_environment
from mlops_lab.training.fit import Fitted
from mlops_lab.training.pipeline import Pipeline, importing_from
from mlops_lab.training.ray_task import Outcome, do_work, pack

T = TypeVar("T")
_WHERE = "mlops.toml, [training] on"
_ATTEMPTS = 3
"""How often a work is begun whose process died."""
_LOOK_EVERY_SECONDS = 2.0
_CONNECT_SECONDS = 5.0
_LONGEST = 300
_NOT_PROBED = ("auto", "local")


@contextmanager
def connect(settings: TrainingSection) -> Iterator[RayPlace]:
    """The cluster, and the connection to it closed afterwards. EnvironmentFault where it cannot be reached."""
    address = settings.ray_address or os.environ.get("RAY_ADDRESS", "")
    with needs_extra("ray", "training on Ray", where=_WHERE):
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")  # read by the import: else it tries for a quarter hour
        import ray
    if not address:
        raise EnvironmentFault(
            "no Ray cluster is named",
            code="no_ray_address",
            where="mlops.toml, [training] ray_address",
            hint='set RAY_ADDRESS=HOST:PORT or ray_address; "local" starts a cluster on this machine',
        )
    _probe(address)
    if ray.is_initialized():
        raise InvalidInput(
            "this process is connected to a Ray cluster already",
            code="ray_connected",
            where=_WHERE,
            hint="close that connection before: ray.shutdown()",
        )
    try:
        ray.init(
            address=address,
            runtime_env={"py_modules": [str(Path(__file__).parents[1])]},
            logging_level="ERROR",
            log_to_driver=False,
        )
    except Exception as error:  # of several kinds, some of them without a class of their own
        raise _unreachable(address, _last_line(_root(error))) from error
    try:
        yield RayPlace(ray, settings)
    finally:
        ray.shutdown()


@dataclass
class RayPlace:
    """A cluster that this process is connected to."""

    ray: Any
    settings: TrainingSection

    def share(self, value: Any) -> Any:
        """A reference to the value, in the object store of the cluster."""
        return self.ray.put(value)

    def map(
        self, work: Callable[..., T], pipeline: Pipeline, arguments: Iterable[tuple[Any, ...]]
    ) -> Generator[T, None, None]:
        """The results, in order; all works are handed over at once. What is not asked for any more is ended.

        A work whose process dies is begun again, some times. EnvironmentFault where it dies every time, where the
        cluster has other libraries, and where it has no node that is large enough for as long as the settings say.
        """
        task = self.ray.remote(do_work).options(num_cpus=self.settings.ray_cpus, max_retries=0)
        try:
            shared = self.ray.put(describe_environment()), work, self.ray.put(pack(pipeline))
        except TypeError as error:  # of a cell of a notebook: those of files travel as files
            raise InvalidInput(
                f"cannot be sent to the Ray cluster: {_first_line(error)}",
                code="not_sendable",
                where="model()",
                hint="let model() open files, locks and connections itself, or save it in pipeline.py",
            ) from error
        begins = [partial(task.remote, *shared, *each) for each in arguments]
        return self._results(pipeline, begins, [begin() for begin in begins])

    def _results(
        self, pipeline: Pipeline, begins: Sequence[Callable[[], Any]], works: list[Any]
    ) -> Generator[Any, None, None]:
        try:
            for number, begin in enumerate(begins):
                yield self._finish(pipeline, works, number, begin)
        finally:
            for work in self.ray.wait(works, num_returns=len(works), timeout=0)[1]:
                self.ray.cancel(work)  # without force, which makes Ray 2.60 abort this process now and then

    def _finish(self, pipeline: Pipeline, works: list[Any], number: int, begin: Callable[[], Any]) -> Any:
        """The result of a work, which is begun again if its process dies."""
        failures = self.ray.exceptions
        for attempt in range(1, _ATTEMPTS + 1):
            self._wait(works[number])
            try:
                with importing_from(pipeline.folder):  # the result may be of a class that lies there
                    outcome = self.ray.get(works[number])
            except (failures.RayTaskError, failures.RuntimeEnvSetupError) as error:  # it would fail again
                raise _failed(_last_line(error)) from error
            except failures.RayError as error:
                if attempt == _ATTEMPTS:
                    raise _died(_first_line(error)) from error
                works[number] = begin()
            else:
                return _take(outcome)
        raise AssertionError("the last attempt returns or raises")

    def _wait(self, work: Any) -> None:
        """Wait until the work has ended. EnvironmentFault where no node is large enough for too long."""
        last_fit = time.perf_counter()
        while not self.ray.wait([work], timeout=_LOOK_EVERY_SECONDS)[0]:
            largest = _largest_node(self.ray.nodes())
            if largest >= self.settings.ray_cpus:
                last_fit = time.perf_counter()
            elif time.perf_counter() - last_fit > self.settings.ray_wait_seconds:
                raise EnvironmentFault(
                    f"no node of the Ray cluster has {self.settings.ray_cpus} processors (the largest: {largest:g})",
                    code="ray_no_room",
                    where="mlops.toml, [training] ray_cpus",
                    hint="ask for fewer, or add a node to the cluster: `ray status` shows what it has",
                )


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


def _largest_node(nodes: Sequence[dict[str, Any]]) -> float:
    """The processors of the largest node that is alive."""
    return max((float(node["Resources"].get("CPU", 0)) for node in nodes if node["Alive"]), default=0.0)


def _probe(address: str) -> None:
    """EnvironmentFault where nobody listens: Ray itself would try for a minute."""
    if address in _NOT_PROBED:
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise InvalidInput(
            f'"{address}" is not the address of a Ray cluster',
            code="bad_ray_address",
            where="mlops.toml, [training] ray_address, or RAY_ADDRESS",
            hint='"HOST:PORT", "ray://HOST:PORT", "auto" or "local"',
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise _unreachable(address, str(error)) from error


def _unreachable(address: str, reason: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"the Ray cluster at {address} cannot be used: {reason}",
        code="ray_unreachable",
        where=_WHERE,
        hint='`ray status --address HOST:PORT` shows whether it runs; `[training] on = "here"` trains without it',
    )


def _failed(reason: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"the work failed on the Ray cluster: {reason}",
        code="ray_failed",
        where=_WHERE,
        hint="its nodes need the libraries that are installed here: `mlops env export --to pip` writes the list",
    )


def _died(reason: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"the process that did the work died {_ATTEMPTS} times on the Ray cluster: {reason}",
        code="ray_died",
        where=_WHERE,
        hint="it may need more memory than its node has: `ray status`; fewer rows: `[training] window`",
    )


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _first_line(error: BaseException) -> str:
    return _lines(error)[0]


def _last_line(error: BaseException) -> str:
    """The line that says what happened: it ends a traceback."""
    return _lines(error)[-1]


def _lines(error: BaseException) -> list[str]:
    lines = [line.strip()[:_LONGEST] for line in str(error).splitlines() if line.strip()]
    return lines or [type(error).__name__]
