from math import inf

import numpy as np

from mlops_lab.learn.checking import Work, fail

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, inf)
CASES = (  # of each group of servers: how many, requests of each, median latency
    ("nine idle servers, and one with all the traffic", ((9, 300, 0.008), (1, 20_000, 0.4))),
    ("a sick server with few requests", ((6, 8_000, 0.02), (1, 12, 4.0))),
    ("two of ten servers, as busy as the others, are slow", ((8, 5_000, 0.02), (2, 4_000, 0.8))),
    ("one server of five is slow, and less busy", ((4, 6_000, 0.012), (1, 900, 0.6))),
    ("one server", ((1, 4_000, 0.05),)),
    ("all servers alike", ((4, 4_000, 0.05),)),
)


def check(work: Work) -> None:
    p99 = work.load("dashboard.py", "p99").p99
    for what, groups in CASES:
        latencies = [
            work.rng.lognormal(np.log(median), 0.5, requests)
            for count, requests, median in groups
            for _ in range(count)
        ]
        servers = [{bound: int((values <= bound).sum()) for bound in BOUNDS} for values in latencies]
        work.rng.shuffle(servers)
        answer = p99([dict(server) for server in servers])
        everything = np.concatenate(latencies)
        place = next(n for n, bound in enumerate(BOUNDS) if (everything <= bound).sum() >= 0.99 * len(everything))
        low, high = (0.0, *BOUNDS)[place], BOUNDS[place]
        if not isinstance(answer, int | float | np.number) or np.isnan(answer):
            fail("no-number", seen=f"{what}: the answer {answer!r}", expected="seconds")
        if low - 1e-9 <= answer <= high + 1e-9:
            continue
        seen = f"{what}: the answer {answer:.3f} s; {(everything > answer).mean():.2%} of all requests took longer"
        fail(
            "too-low" if answer < low else "too-high",
            seen=seen,
            expected=f"that 1 % take longer: between {low:g} and {high:g} s",
        )
