"""The limits that our server must keep, with the measured values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from serving.figures import CPU_AT, Figures, best_peer
from serving.servers import ASYNC, BARE, FSYNC, LIMIT


@dataclass(frozen=True)
class Check:
    """One limit: what is measured, the least (or greatest) allowed value, the measured value (None: not measured)."""

    what: str
    limit: float
    unit: str
    measured: float | None
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether it is kept. A limit that was not measured counts as kept."""
        if self.measured is None:
            return True
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def check_limits(measured: Sequence[Figures]) -> list[Check]:
    """All limits."""
    found = {one.name: one for one in measured}

    def of_best(server: str, setting: str) -> float | None:
        best = best_peer(measured, setting)
        return found[server].rate(setting) / best.rate(setting) if best and server in found else None

    def of_constant(server: str) -> float | None:
        both = server in found and LIMIT.name in found
        return found[server].cpu_us() / found[LIMIT.name].cpu_us() if both else None

    def ratio(server: str, setting: str, least: float) -> Check:
        return Check(f"{server} at {setting}: × best peer", least, "×", of_best(server, setting), at_least=True)

    checks = [
        ratio(ASYNC.name, "16", 40),
        ratio(ASYNC.name, "64", 40),
        ratio(FSYNC.name, "16", 20),
        ratio(FSYNC.name, "64", 40),
        ratio(ASYNC.name, "100 rows", 8),
        ratio(FSYNC.name, "100 rows", 6),
        ratio(BARE.name, "16", 60),
        ratio(BARE.name, "64", 60),
    ]
    for server, most in ((ASYNC.name, 4.0), (FSYNC.name, 2.5), (BARE.name, 2.2)):
        checks.append(Check(f"{server} at {CPU_AT}: CPU × constant JSON", most, "×", of_constant(server)))
    for server in (ASYNC.name, FSYNC.name):
        one = found.get(server)
        checks.append(Check(f"{server} at 64: p99", 15, "ms", one.p99_ms("64") if one else None))
    one = found.get(ASYNC.name)
    checks.append(Check(f"{ASYNC.name} at 1: p50", 0.5, "ms", one.p50_ms("1") if one else None))
    for server in (ASYNC.name, FSYNC.name):
        one = found.get(server)
        ready = one.median_of(lambda run: run.ready_seconds) if one else None
        held = one.median_of(lambda run: max(run.resident_mib, run.loaded_mib)) if one else None
        checks.append(Check(f"{server}: seconds to first answer", 1, "s", ready))
        checks.append(Check(f"{server}: resident, one worker", 150, "MiB", held))
    return checks
