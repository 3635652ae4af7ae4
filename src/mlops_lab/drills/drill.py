"""What a drill is, what it measures, and whether that meets its target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from mlops_lab.drills.ground import Ground


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a drill must keep to: the time until the fault is named, the time until it is over, the share of requests
    that it may harm, and the actions that it may cause beside those that are right."""

    detect: timedelta
    recover: timedelta
    harmed_share: float
    false_actions: int = 0


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What happened: `fault` in words; the time until it was `detected`, and by what; the time until it was over
    (`recovered`); None: never in the time that was played. Of the `requests`, how many it `harmed`: answered otherwise
    than a healthy twin answers, or not at all. `false_actions`: decisions that the twin did not take."""

    fault: str = ""
    detected: timedelta | None = None
    detected_by: str = ""
    recovered: timedelta | None = None
    requests: int = 0
    harmed: int = 0
    false_actions: Sequence[str] = ()

    @property
    def harmed_share(self) -> float:
        """The share of the requests that were harmed."""
        return self.harmed / self.requests if self.requests else 0.0


@dataclass(frozen=True, kw_only=True)
class Drill:
    """A fault that is injected on purpose. `summary` is a line about it, `run` injects it into copies that the ground
    makes.

    `needs_days`: it looks at days, so the copy must have lived through enough of them for its monitors to know what is
    usual. Other drills need a trained version only.
    """

    name: str
    summary: str
    target: Target
    run: Callable[[Ground], Observed]
    needs_days: bool = True


@dataclass(frozen=True, kw_only=True)
class DrillResult:
    """What a drill has shown. `error`: why it could not be run; empty where it was."""

    drill: Drill
    observed: Observed
    seconds: float
    error: str = ""

    @property
    def misses(self) -> list[str]:
        """The parts of the target that were not met, in words; the error, where the drill could not be run."""
        if self.error:
            return [f"could not be run: {self.error}"]
        target, observed = self.drill.target, self.observed
        misses = []
        for what, found, allowed in (
            ("detected", observed.detected, target.detect),
            ("recovered", observed.recovered, target.recover),
        ):
            if found is None:
                misses.append(f"not {what} in the time that was played")
            elif found > allowed:
                misses.append(f"{what} too late")
        if observed.harmed_share > target.harmed_share:
            misses.append("too many predictions were harmed")
        if len(observed.false_actions) > target.false_actions:
            misses.append(f"false actions: {', '.join(observed.false_actions)}")
        return misses
