from heapq import heapify, heapreplace
from numbers import Integral

import numpy as np

from mlops_lab.learn.checking import Work, fail

REQUESTS = 20_000
CASES = ((90, 0.010, 0.010), (20, 0.100, 0.050), (400, 0.100, 0.020), (2, 0.020, 0.050))


def check(work: Work) -> None:
    workers = work.load("capacity.py", "workers").workers
    for case in CASES:
        rate, service_time, max_wait = case
        count = workers(*case)
        what = f"{rate} requests a second, {service_time * 1000:.0f} ms each, {count} workers"
        if not isinstance(count, Integral) or count < 1:
            fail("no-number", seen=f"{count!r} workers", expected="a whole number, 1 or more")
        wait = _simulate(work, rate, service_time, min(count, 10_000))
        if wait > 1.15 * max_wait + 1e-9:
            seen = f"{what}: 99 % waited up to {wait * 1000:,.0f} ms"
            fail("waits-too-long", seen=seen, expected=f"at most {max_wait * 1000:.0f} ms")
        if count - 2 > rate * service_time and _simulate(work, rate, service_time, count - 2) < 0.85 * max_wait:
            seen = f"{what}: with two workers fewer, 99 % would also wait less than {max_wait * 1000:.0f} ms"
            fail("too-many", seen=seen, expected="as few as possible, or one more")


def _simulate(work: Work, rate: float, service_time: float, count: int) -> float:
    """The wait in seconds that 99 % of the requests do not exceed."""
    arrivals = work.rng.exponential(1 / rate, REQUESTS).cumsum().tolist()
    services = work.rng.exponential(service_time, REQUESTS).tolist()
    free = [0.0] * count
    heapify(free)
    waits = []
    for arrival, service in zip(arrivals, services, strict=True):
        start = max(arrival, free[0])
        waits.append(start - arrival)
        heapreplace(free, start + service)
    return float(np.quantile(waits, 0.99))
