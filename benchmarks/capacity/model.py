"""The model of the system: what a load needs, what breaks first, and what it costs. Pure.

A worker answers in one batch what waits when it is free (`serving/answering/batching.py`), so the work of a batch is
shared, and a queue makes each request cheaper. With several workers each reads the records of the others, so that an id
gets one answer, and a fact counts at once: that work grows with the number of workers. One loop moves all answers and
outcomes into the tables, and measures each day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from capacity.constants import Constants

SECONDS_A_DAY, HOURS_A_MONTH, DAYS_A_MONTH = 86_400, 730, 30.4
GIB = 2**30
MOST_BUSY = 0.7
"""How busy a worker or the loop may be: the rest is for bursts."""
MOST_WORKERS = 64
SERVER_GIB = 0.15
"""A worker before its first request; `benchmarks/out/serving.json`, resident_mib, prints it."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is asked of the system: requests a second at the peak, as a multiple of the mean; how long an outcome takes;
    entities of all views together; inputs of the model; days that are kept, and that are trained on."""

    rate: float
    peak_factor: float = 2.0
    label_delay_hours: float = 3.0
    entities: float = 1_000_000
    inputs: int = 18
    kept_days: float = 30.0
    trained_days: float = 30.0

    @property
    def mean(self) -> float:
        """Requests a second on average; `rate` is that of the peak."""
        return self.rate / self.peak_factor

    @property
    def a_day(self) -> float:
        return self.mean * SECONDS_A_DAY


@dataclass(frozen=True, kw_only=True)
class Host:
    """A machine, and what it costs: an assumption, replace it by an offer."""

    cores: int = 16
    memory_gib: float = 64.0
    disk_gib: float = 2000.0
    core_hour: float = 0.04
    memory_gib_hour: float = 0.005
    disk_gib_month: float = 0.08


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Something that breaks: the rate at the peak up to which it holds on a host, and what to take then."""

    name: str
    rate: float
    then: str


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a load takes. `workers` is None where no number of them is enough."""

    workers: int | None
    server_cores: float
    loop_cores: float
    server_gib: float
    loop_gib: float
    training_gib: float
    training_hours: float
    journal_mib_a_second: float
    disk_gib: float


# ---- the server ---------------------------------------------------------------------------------------------------


def cpu_us(constants: Constants, workers: int, connections: float) -> float:
    """CPU of a request where so many are always under way: its share of a batch, its own, and following the others."""
    batch = max(1.0, connections / workers)
    return constants.batch_us / batch + constants.request_us + constants.follow_us * (workers - 1)


def closed_rate(constants: Constants, connections: float) -> float:
    """Requests a second of one worker with a core of its own, where each of so many clients waits for its answer."""
    return 1e6 * connections / (constants.batch_us + constants.sync_us + constants.request_us * connections)


def work_us(constants: Constants, workers: int) -> float:
    """CPU of a request in a large batch: what limits a worker."""
    return constants.request_us + constants.follow_us * (workers - 1)


def busy(constants: Constants, workers: int, rate: float) -> float:
    """How much of its time each worker needs."""
    return rate / workers * work_us(constants, workers) / 1e6


def cycle_us(constants: Constants, workers: int, rate: float) -> float:
    """How long a batch takes from its beginning to that of the next, where requests arrive by chance.

    Of n = rate × cycle requests in a batch: cycle = batch + sync + n × work, and never less than that of one request.
    """
    left = 1.0 - busy(constants, workers, rate)
    alone = constants.batch_us + constants.sync_us + work_us(constants, workers)
    return max(alone, (constants.batch_us + constants.sync_us) / left) if left > 0 else float("inf")


def batches_a_second(constants: Constants, workers: int, rate: float) -> float:
    """Of each worker: never more than requests arrive."""
    return min(rate / workers, 1e6 / cycle_us(constants, workers, rate))


def mean_ms(constants: Constants, workers: int, rate: float) -> float:
    """The mean time to an answer: a request waits for the rest of the batch under way, if there is one, then for its
    own."""
    cycle = cycle_us(constants, workers, rate)
    occupied = min(1.0, rate / workers * cycle / 1e6)
    return cycle * (1.0 + occupied / 2) / 1000


def workers_for(constants: Constants, rate: float) -> int | None:
    """The fewest workers that are not too busy; None where more of them would only read each other's records."""
    return next((n for n in range(1, MOST_WORKERS + 1) if busy(constants, n, rate) <= MOST_BUSY), None)


def most_of(constants: Constants, cores: int) -> float:
    """The most requests a second of one server on so many cores, one of which is for the loop."""
    return max(MOST_BUSY * n * 1e6 / work_us(constants, n) for n in range(1, min(MOST_WORKERS, max(1, cores - 1)) + 1))


# ---- all of it ----------------------------------------------------------------------------------------------------


def needs_of(constants: Constants, load: Load) -> Needs:
    """What a load takes of one server with its loop."""
    workers = workers_for(constants, load.rate)
    count = workers or MOST_WORKERS
    waiting = load.mean * load.label_delay_hours * 3600 * constants.waiting_bytes
    memory = SERVER_GIB * GIB + waiting + load.entities * constants.entity_bytes
    batches_us = count * batches_a_second(constants, count, load.mean) * constants.batch_us
    stored = (constants.lake_bytes + constants.outcome_bytes) * load.a_day * load.kept_days
    rows = load.a_day * load.trained_days
    return Needs(
        workers=workers,
        server_cores=(load.mean * (work_us(constants, count) + constants.outcome_us) + batches_us) / 1e6,
        loop_cores=load.mean * loop_us(constants) / 1e6,
        server_gib=count * memory / GIB,
        loop_gib=load.a_day * constants.measure_bytes / GIB,
        training_gib=constants.training_bytes(rows, load.inputs) / GIB,
        training_hours=rows * constants.training_us / 1e6 / 3600,
        journal_mib_a_second=load.mean * constants.journal_bytes / 2**20,
        disk_gib=stored / GIB,
    )


def loop_us(constants: Constants) -> float:
    """The loop's CPU for an answer with its outcome."""
    return constants.intake_us + constants.outcome_intake_us + constants.measure_us


def limits_of(constants: Constants, load: Load, host: Host) -> list[Limit]:
    """What breaks on one host as the load grows, the first of all first."""
    memory = host.memory_gib * GIB

    def rate_where(fits: Callable[[Needs], bool]) -> float:
        low, high = 0.0, 1e9
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if fits(needs_of(constants, replace(load, rate=middle))) else (low, middle)
        return low

    alone = MOST_BUSY * 1e6 / constants.request_us
    found = [
        Limit(name="one worker", rate=alone, then="more workers: `[serving] workers`"),
        Limit(
            name="all workers of a host",
            rate=most_of(constants, host.cores),
            then="several servers behind a balancer, each with keys of its own: `mlops export kubernetes` and Redis",
        ),
        Limit(
            name="the loop, one process",
            rate=rate_where(lambda needs: needs.loop_cores <= MOST_BUSY),
            then="a project for each part of the keys, or a sample of the answers; then Spark on the same Delta tables",
        ),
        Limit(
            name="memory of the server",
            rate=rate_where(lambda needs: needs.server_gib <= memory / GIB),
            then="views in Redis (`[serving] online_store`), or fewer workers",
        ),
        Limit(
            name="a day that is measured in memory",
            rate=rate_where(lambda needs: needs.loop_gib <= memory / GIB),
            then="a machine with more memory for the loop; then Spark on the same Delta tables",
        ),
        Limit(
            name="a training in memory",
            rate=rate_where(lambda needs: needs.training_gib <= memory / GIB),
            then="fewer days (`[training] window`); then a sample of the rows, or Ray",
        ),
        Limit(
            name="the disk",
            rate=rate_where(lambda needs: needs.disk_gib <= host.disk_gib),
            then="a larger disk; then the lake in an object store",
        ),
    ]
    return sorted(found, key=lambda limit: limit.rate)


def most_trained_days(constants: Constants, load: Load, host: Host) -> float:
    """How many days of rows a training can hold in the memory of a host."""
    base = constants.training_bytes(0, load.inputs)
    a_day = (constants.training_bytes(1e6, load.inputs) - base) / 1e6 * load.a_day
    return (host.memory_gib * GIB - base) / a_day


def money_a_month(needs: Needs, host: Host) -> dict[str, float]:
    """What a load costs where exactly what it needs is paid; a training a week."""
    cores = (needs.server_cores + needs.loop_cores) / MOST_BUSY + needs.training_hours * 52 / 12 / HOURS_A_MONTH
    memory = needs.server_gib + needs.loop_gib + needs.training_gib * needs.training_hours * 52 / 12 / HOURS_A_MONTH
    return {
        "cores": cores * HOURS_A_MONTH * host.core_hour,
        "memory": memory * HOURS_A_MONTH * host.memory_gib_hour,
        "disk": needs.disk_gib * host.disk_gib_month,
    }
