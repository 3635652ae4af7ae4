"""Where models are fitted: in this process, or on a Ray cluster (`[training] on`). The same work, the same results."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from mlops_lab.project.sections import TrainingSection
from mlops_lab.training.fit import Fitted, TrainedElsewhere, fit, make_estimator
from mlops_lab.training.pipeline import Pipeline
from mlops_lab.training.training_set import TrainingSet

T = TypeVar("T")


class Place(Protocol):
    """Does work that needs the project's code."""

    def share(self, value: Any) -> Any:
        """What stands for a large value in the arguments of `map`: it travels once, however often it is needed."""

    def map(
        self, work: Callable[..., T], pipeline: Pipeline, arguments: Iterable[tuple[Any, ...]]
    ) -> Generator[T, None, None]:
        """The result of `work(pipeline, *each)` for each of the arguments, in their order. What follows a result that
        nobody asks for is not done, or in vain."""


class Here:
    """This process: one after the other, each when its result is asked for."""

    def share(self, value: Any) -> Any:
        """The value itself."""
        return value

    def map(
        self, work: Callable[..., T], pipeline: Pipeline, arguments: Iterable[tuple[Any, ...]]
    ) -> Generator[T, None, None]:
        """The results, one after the other."""
        for each in arguments:
            yield work(pipeline, *each)


HERE = Here()


@contextmanager
def open_place(settings: TrainingSection) -> Iterator[Place]:
    """The place that the settings name. EnvironmentFault where it cannot be reached."""
    if settings.on == "here":
        yield HERE
        return
    from mlops_lab.training.ray_place import (
        connect,
    )  # only here: Ray may not be installed, and takes a second to import

    with connect(settings) as place:
        yield place


def fit_at_place(settings: TrainingSection, pipeline: Pipeline, data: TrainingSet) -> Fitted:
    """The project's estimator, fitted where the settings say; here where there is nothing to fit."""
    if settings.on == "here" or isinstance(make_estimator(pipeline), Path | TrainedElsewhere):
        return fit(pipeline, data)
    with open_place(settings) as place:
        (fitted,) = place.map(fit, pipeline, [(place.share(data),)])
    return fitted
