from mlops_lab.learn.checking import Work, fail

COUNT = 6_000


class Clock:
    """A clock of its own: a minute of it takes no time. It has the functions of the module time that are needed."""

    def __init__(self, start: float) -> None:
        self._now = start

    def monotonic(self) -> float:
        return self._now

    perf_counter = time = monotonic

    def sleep(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self._now += seconds


def check(work: Work) -> None:
    measure = work.load("load_test.py", "measure").measure
    rng = work.rng
    rate = int(rng.choice([50, 100, 200]))
    half = COUNT / rate / 2
    calm = [0.2 / rate] * COUNT
    for stops in ((), ((half, 5.0),), ((half / 3, float(rng.uniform(2, 4))), (half, 3.0))):
        start = float(rng.uniform(10, 10_000))
        clock, sent = Clock(start), []

        def send(clock=clock, sent=sent, stops=stops, start=start) -> None:
            sent.append(clock.monotonic() - start)
            clock.sleep(calm[0] + _standstill(stops, sent[-1]))

        latencies = sorted(measure(send, clock, rate, COUNT))
        what = _describe(rate, stops)
        if early := [(n, at) for n, at in enumerate(sent) if at < n / rate - 1e-6]:
            number, at = early[0]
            seen = f"{what}: request {number} was sent after {at:.3f} s"
            fail("sent-early", seen=seen, expected=f"at {number / rate:.3f} s: {rate} a second, no more")
        if len(sent) < COUNT or len(latencies) < COUNT:
            seen = f"{what}: {len(sent)} requests sent, {len(latencies)} latencies, of {COUNT}"
            fail("requests-missing", seen=seen, expected="each customer who comes gets a request, and is counted")
        right = sorted(_queue(rate, calm, stops))
        for percent in (50, 90, 99, 99.9):
            told, real = (values[int(len(values) * percent / 100)] for values in (latencies, right))
            if abs(told - real) > 0.05 * real + 1e-6:
                seen = f"{what}: {percent} % of the latencies are below {told * 1000:,.0f} ms"
                fail("wait-omitted", seen=seen, expected=f"{real * 1000:,.0f} ms: that is how long customers waited")


def _describe(rate: int, stops) -> str:
    what = " and ".join(f"{seconds:.1f} s after {at:.0f} s" for at, seconds in stops)
    return f"{rate} requests a second, " + (f"the server stands still for {what}" if what else "the server is well")


def _standstill(stops, now: float) -> float:
    """How much longer the server stands still."""
    return sum(at + seconds - now for at, seconds in stops if at <= now < at + seconds)


def _queue(rate: int, services: list[float], stops) -> list[float]:
    """What customers wait who come one after the other, 1 / rate seconds apart."""
    waits, free = [], 0.0
    for number, service in enumerate(services):
        begin = max(free, number / rate)
        free = begin + service + _standstill(stops, begin)
        waits.append(free - number / rate)
    return waits
