"""The process that is connected to a Ray cluster. Only this module uses Ray.

This package travels with the work; libraries do not: they must be there, in the versions that are here.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any

from mlops_lab.errors import EnvironmentFault, InvalidInput, MlopsError
from mlops_lab.project.sections import TrainingSection
from mlops_lab.training.ray_task import do_work

WHERE = "mlops.toml, [training] on"
_ATTEMPTS = 3
"""How often a work is begun whose process dies."""
_LOOK_EVERY_SECONDS = 1.0
_CONNECT_SECONDS = 5.0
_NOT_PROBED = ("auto", "local")
_LONGEST = 300


@dataclass(frozen=True)
class Shared:
    """The number of a value in the object store."""

    number: int


def drive(settings: TrainingSection, connection: Connection) -> None:
    """Connect, say so, and do what is asked until the other end closes. What fails is sent as an error."""
    os.dup2(2, 1)  # stdout is data, and Ray prints
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process ends this one
    try:
        with _connected(settings) as ray:
            driver = _Driver(ray, settings, connection)
            connection.send(None)
            while True:
                name, *arguments = connection.recv()
                try:
                    answer = getattr(driver, name)(*arguments)
                except MlopsError as error:
                    answer = error
                connection.send(answer)
    except MlopsError as error:
        connection.send(error)
    except (EOFError, BrokenPipeError):  # nobody needs it any more
        return


@contextmanager
def _connected(settings: TrainingSection) -> Iterator[Any]:
    address = settings.ray_address or os.environ.get("RAY_ADDRESS", "")
    if not address:
        raise EnvironmentFault(
            "no Ray cluster is named",
            code="no_ray_address",
            where="mlops.toml, [training] ray_address",
            hint='set RAY_ADDRESS=HOST:PORT or ray_address; "local" starts a cluster on this machine',
        )
    _probe(address)
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")  # read by the import; Ray tries for a quarter of an hour
    import ray  # only in this process

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
        yield ray
    finally:
        ray.shutdown()


@dataclass
class _Driver:
    """What the other process asks for. Values and results are bytes here: only the workers read them."""

    ray: Any
    settings: TrainingSection
    connection: Connection
    shared: list[Any] = field(default_factory=list)
    batches: list[list[Any]] = field(default_factory=list)
    begins: list[Sequence[Callable[[], Any]]] = field(default_factory=list)

    def share(self, value: bytes) -> Shared:
        self.shared.append(self.ray.put(value))
        return Shared(len(self.shared) - 1)

    def begin(self, calls: Sequence[Sequence[bytes | Shared]]) -> int:
        """The number of a new batch of works."""
        task = self.ray.remote(do_work).options(num_cpus=self.settings.ray_cpus, max_retries=0)
        begins = [partial(task.remote, *map(self._resolve, call)) for call in calls]
        self.begins.append(begins)
        self.batches.append([begin() for begin in begins])
        return len(self.batches) - 1

    def _resolve(self, value: bytes | Shared) -> Any:
        return self.shared[value.number] if isinstance(value, Shared) else value

    def finish(self, batch: int, number: int) -> bytes:
        """The result of a work of the batch, which is begun again if its process dies."""
        works, failures = self.batches[batch], self.ray.exceptions
        for attempt in range(1, _ATTEMPTS + 1):
            self._wait(works[number])
            try:
                return bytes(self.ray.get(works[number]))
            except (failures.RayTaskError, failures.RuntimeEnvSetupError) as error:  # it would fail again
                raise _failed(_last_line(error)) from error
            except failures.RayError as error:
                if attempt == _ATTEMPTS:
                    raise _died(_first_line(error)) from error
                works[number] = self.begins[batch][number]()
        raise AssertionError("the last attempt returns or raises")

    def end(self, batch: int) -> None:
        """End the works of the batch that are not done."""
        works, self.batches[batch], self.begins[batch] = self.batches[batch], [], []
        if not works:
            return
        for work in self.ray.wait(works, num_returns=len(works), timeout=0)[1]:
            self.ray.cancel(work)  # without force, which makes Ray 2.60 abort this process now and then

    def _wait(self, work: Any) -> None:
        """Wait until the work has ended. EnvironmentFault where no node is large enough for too long; EOFError where
        nobody waits for it any more."""
        last_fit = perf_counter()
        while not self.ray.wait([work], timeout=_LOOK_EVERY_SECONDS)[0]:
            if self.connection.poll():
                raise EOFError
            largest = _largest_node(self.ray.nodes())
            if largest >= self.settings.ray_cpus:
                last_fit = perf_counter()
            elif perf_counter() - last_fit > self.settings.ray_wait_seconds:
                raise EnvironmentFault(
                    f"no node of the Ray cluster has {self.settings.ray_cpus} processors (the largest: {largest:g})",
                    code="ray_no_room",
                    where="mlops.toml, [training] ray_cpus",
                    hint="ask for fewer, or add a node to the cluster: `ray status` shows what it has",
                )


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
    except (OSError, OverflowError) as error:
        raise _unreachable(address, str(error)) from error


def _unreachable(address: str, reason: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"the Ray cluster at {address} cannot be used: {reason}",
        code="ray_unreachable",
        where=WHERE,
        hint='`ray status --address HOST:PORT` shows whether it runs; `[training] on = "here"` trains without it',
    )


def _failed(reason: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"the work failed on the Ray cluster: {reason}",
        code="ray_failed",
        where=WHERE,
        hint="its nodes need the libraries that are installed here: `mlops env export --to pip` writes the list",
    )


def _died(reason: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"the process that did the work died {_ATTEMPTS} times on the Ray cluster: {reason}",
        code="ray_died",
        where=WHERE,
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
