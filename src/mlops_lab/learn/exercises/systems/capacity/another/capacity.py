import heapq
import random


def workers(rate, service_time, max_wait):
    """Tries numbers in a simulation of its own."""
    rng = random.Random(0)
    gaps = [rng.expovariate(rate) for _ in range(15_000)]
    services = [rng.expovariate(1 / service_time) for _ in gaps]
    count = int(rate * service_time) + 1
    while share_late(gaps, services, count, max_wait) > 0.01:
        count += 1
    return count


def share_late(gaps, services, count, max_wait):
    """The share of requests that wait too long."""
    now, late, free = 0.0, 0, [0.0] * count
    for gap, service in zip(gaps, services, strict=True):
        now += gap
        start = max(now, free[0])
        heapq.heapreplace(free, start + service)
        late += start - now > max_wait
    return late / len(gaps)
