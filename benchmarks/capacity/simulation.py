"""The same system, played event by event: requests arrive by chance, workers answer in batches, one loop takes in."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import fmean, quantiles

import simpy

from capacity.constants import Constants
from capacity.model import loop_us, work_us

SECONDS = 20.0
WARM_SECONDS = 2.0
TICK_SECONDS = 1.0


@dataclass
class Played:
    """What was seen: milliseconds of each answer, seconds that workers and the loop were at work, answers that wait."""

    milliseconds: list[float] = field(default_factory=list)
    server_seconds: float = 0.0
    loop_seconds: float = 0.0
    most_behind: int = 0
    end_waiting: int = 0

    @property
    def mean_ms(self) -> float:
        return fmean(self.milliseconds)

    @property
    def p99_ms(self) -> float:
        return quantiles(self.milliseconds, n=100)[98]


class World:
    """Some workers and a loop, at a rate of requests, each with an outcome after `delay_seconds`."""

    def __init__(self, constants: Constants, *, workers: int, rate: float, delay_seconds: float, seed: int = 1) -> None:
        self.constants, self.workers, self.rate, self.delay_seconds = constants, workers, rate, delay_seconds
        self.random = random.Random(seed)
        self.clock = simpy.Environment()
        self.queues: list[list[float]] = [[] for _ in range(workers)]
        self.arrived = [self.clock.event() for _ in range(workers)]
        self.behind = 0
        self.seen = Played()

    def play(self) -> Played:
        self.clock.process(self.clients())
        self.clock.process(self.loop())
        for worker in range(self.workers):
            self.clock.process(self.worker(worker))
        self.clock.run(until=SECONDS)
        return self.seen

    def clients(self) -> Iterator[simpy.Event]:
        """Requests arrive by chance, and the kernel gives each to one of the workers."""
        while True:
            yield self.clock.timeout(self.random.expovariate(self.rate))
            worker = self.random.randrange(self.workers)
            self.queues[worker].append(self.clock.now)
            if not self.arrived[worker].triggered:
                self.arrived[worker].succeed()

    def worker(self, worker: int) -> Iterator[simpy.Event]:
        """Answers what waits, together; then the disk."""
        while True:
            if not self.queues[worker]:
                self.arrived[worker] = self.clock.event()
                yield self.arrived[worker]
            batch, self.queues[worker] = self.queues[worker], []
            work = (self.constants.batch_us + len(batch) * work_us(self.constants, self.workers)) / 1e6
            yield self.clock.timeout(work + self.constants.sync_us / 1e6)
            self.behind += len(batch)
            self.seen.end_waiting += len(batch)
            for asked in batch:
                self.clock.process(self.outcome())
                if asked >= WARM_SECONDS:
                    self.seen.milliseconds.append((self.clock.now - asked) * 1000)
            if self.clock.now >= WARM_SECONDS:
                self.seen.server_seconds += work

    def outcome(self) -> Iterator[simpy.Event]:
        yield self.clock.timeout(self.delay_seconds)
        self.seen.end_waiting -= 1

    def loop(self) -> Iterator[simpy.Event]:
        """Takes in what was answered, with a tick a second; what it spends later on measuring is counted here."""
        while True:
            yield self.clock.timeout(TICK_SECONDS)
            self.seen.most_behind = max(self.seen.most_behind, self.behind)
            taken, self.behind = self.behind, 0
            work = taken * loop_us(self.constants) / 1e6
            yield self.clock.timeout(work)
            if self.clock.now >= WARM_SECONDS:
                self.seen.loop_seconds += work
