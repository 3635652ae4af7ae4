"""The measurements of the servers: medians over the rounds, and the best peer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median

from serving.load import Load, Setting

SETTINGS = [Setting("1", 1), Setting("16", 16), Setting("64", 64), Setting("100 rows", 16, rows=100)]
CPU_AT = "16"  # the setting whose CPU per request is compared: the steadiest figure


@dataclass
class Round:
    """One server in one round: its start, its memory, and by setting its load and CPU microseconds a request."""

    ready_seconds: float
    resident_mib: float = 0.0
    loaded_mib: float = 0.0
    loads: dict[str, Load] = field(default_factory=dict)
    cpu_us: dict[str, float] = field(default_factory=dict)


@dataclass
class Figures:
    """One server over all rounds."""

    name: str
    is_peer: bool
    rounds: list[Round] = field(default_factory=list)

    def median_of(self, read: Callable[[Round], float]) -> float:
        """The median over the rounds."""
        return median(map(read, self.rounds))

    def rate(self, setting: str) -> float:
        """Requests a second."""
        return self.median_of(lambda run: run.loads[setting].per_second)

    def p50_ms(self, setting: str) -> float:
        """The median latency."""
        return self.median_of(lambda run: run.loads[setting].p50_ms)

    def p99_ms(self, setting: str) -> float:
        """The latency that one in a hundred exceeds."""
        return self.median_of(lambda run: run.loads[setting].p99_ms)

    def cpu_us(self, setting: str = CPU_AT) -> float:
        """Microseconds of CPU that the server spends on a request, all its processes together."""
        return self.median_of(lambda run: run.cpu_us[setting])

    def as_dict(self) -> dict[str, object]:
        """The medians, as JSON data."""
        by_setting = {
            setting.name: {
                "requests_per_second": self.rate(setting.name),
                "p50_ms": self.p50_ms(setting.name),
                "p99_ms": self.p99_ms(setting.name),
                "cpu_us": self.cpu_us(setting.name),
            }
            for setting in SETTINGS
        }
        return {
            "rounds": len(self.rounds),
            "ready_seconds": self.median_of(lambda run: run.ready_seconds),
            "resident_mib": self.median_of(lambda run: run.resident_mib),
            "loaded_mib": self.median_of(lambda run: run.loaded_mib),
            "settings": by_setting,
        }


def best_peer(figures: Iterable[Figures], setting: str) -> Figures | None:
    """The peer that answers most; None where none was measured."""
    return max((one for one in figures if one.is_peer), key=lambda peer: peer.rate(setting), default=None)
