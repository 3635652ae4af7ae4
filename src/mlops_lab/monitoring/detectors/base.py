"""What a detector is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from mlops_lab.monitoring.profile import Profile
from mlops_lab.monitoring.window import Window
from mlops_lab.tasks.base import Task


def any_input(_profile: Profile) -> bool:
    """Every input, also of a package of an older release."""
    return True


def is_number_with_sample(profile: Profile) -> bool:
    """A number, of a package that holds a sample of its values."""
    return bool(profile.sample)


def is_counted(profile: Profile) -> bool:
    """An input of a package that says on how many rows it was trained."""
    return profile.rows > 0


@dataclass(frozen=True)
class Detector:
    """One number about each model input.

    `monitor` is its name in the table of measurements. `measure` compares a column of requests with the profile of the
    training data: always a finite number, whatever the column holds. `unchanged` is the value that the training data
    itself gets. `needs`: whether the profile of an input holds what the detector compares with.
    """

    monitor: str
    measure: Callable[[Profile, pl.Series], float]
    unchanged: Callable[[Profile], float]
    needs: Callable[[Profile], bool] = any_input


@dataclass(frozen=True)
class Seen:
    """What one version answered in a window, in one role.

    `answered` are its predictions (`at`, `output`), and `joined` the outcomes that arrived in the window, each with its
    answer (`truth`, `output`, `predicted_at`, `arrived_at`, and a column for each field of `gates.slices`; where `[ab]`
    declares what answers are worth, also `value` and, where it follows from the answer alone, `expected_value`). Either
    may be empty, and then without columns.
    """

    window: Window
    task: Task
    answered: pl.DataFrame
    joined: pl.DataFrame


@dataclass(frozen=True)
class AnswerDetector:
    """Numbers about the answers of a window and their outcomes: (name, value), None where a value is not defined."""

    monitor: str
    measure: Callable[[Seen], Iterable[tuple[str, float | None]]]


@dataclass(frozen=True)
class JointDetector:
    """One number about all inputs together: their dependence may change where none of them changes alone.

    `measure` is None where the profiles, or the requests, do not hold what it needs.
    """

    monitor: str
    measure: Callable[[Mapping[str, Profile], Mapping[str, pl.Series]], float | None]


@dataclass(frozen=True)
class RequestCounts:
    """The requests for predictions that servers got: how many failed with an error of the server, how many were
    rejected because they do not fit the contract, and how many took how long: up to each of `bounds_seconds`, in
    ascending order, and longer."""

    failed: int
    rejected: int
    buckets: Sequence[int]
    bounds_seconds: Sequence[float]

    @property
    def requests(self) -> int:
        """How many there were."""
        return sum(self.buckets)


@dataclass(frozen=True)
class Operations:
    """What happened in a window beside answers and their outcomes.

    `answered`, `refused`: how many rows got an answer, and none. `set_aside`: by table, how many rows broke its
    contract. `sent`: by table, how many rows arrived one by one, outcomes of requests apart. `requests`: what the
    servers counted; None where none ran. `evidence`: by name, the logarithm of an e-value against "nothing is wrong
    with the A/B test".
    """

    answered: int = 0
    refused: int = 0
    set_aside: Mapping[str, int] = field(default_factory=dict)
    sent: Mapping[str, int] = field(default_factory=dict)
    requests: RequestCounts | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class OperationsDetector:
    """Numbers about what happened beside answers: (name, value), None where a value is not defined."""

    monitor: str
    measure: Callable[[Operations], Iterable[tuple[str, float | None]]]
