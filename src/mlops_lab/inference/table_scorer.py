"""One version that answers tables of requests, with the facts that its views look up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import polars as pl

from mlops_lab.features.definition import Features
from mlops_lab.features.offline import FactIndex, Facts
from mlops_lab.registry.engines.open import open_engine
from mlops_lab.registry.outputs import OutputMapping
from mlops_lab.registry.package import Package
from mlops_lab.tasks.base import to_series
from mlops_lab.tasks.make import make_task

_REFUSED = "a view knows nothing of it, and refuses"
_INVALID = "the model's output is no valid answer"


class TableScorer:
    """Answers requests from any thread. `time` names the column of their moment."""

    def __init__(
        self, package: Package, facts: Facts, *, time: str, mapper: Callable[..., Iterable[Any]] = map
    ) -> None:
        plan = package.plan
        self._features, self._time = Features.from_dict(plan.features), time
        self._fact_index = FactIndex(self._features.views, facts, mapper=mapper)
        self._engine, self._mapping = open_engine(package), OutputMapping(plan)
        self._task = make_task(plan.task, classes=tuple(plan.classes), scale=plan.scale)

    def answer(self, requests: pl.DataFrame, error: pl.Series) -> tuple[pl.Series, pl.Series]:
        """The outputs of some requests, and why one has none. Those that have an error already are not asked."""
        if error.null_count() == len(error):
            return self._answer_good(requests)
        is_good = error.is_null()
        output, good_error = self._answer_good(requests.filter(is_good))
        place = pl.select(pl.when(is_good).then(is_good.cum_sum() - 1)).to_series()
        return output.gather(place), error.fill_null(good_error.gather(place)).alias("error")

    def _answer_good(self, requests: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
        """The outputs of requests that keep the contract, and why one has none."""
        inputs, refused = self._fact_index.inputs(self._features, requests, time=self._time)
        output = to_series(self._mapping.of_rows(self._engine.score(inputs, threads=1)))
        invalid = self._task.invalid(output)
        if not (refused | invalid).any():
            return output, pl.Series("error", [None] * len(output), dtype=pl.String)
        error = pl.when(refused).then(pl.lit(_REFUSED)).when(invalid).then(pl.lit(_INVALID))
        output = pl.select(pl.when(~(refused | invalid)).then(output)).to_series().alias("output")
        return output, pl.select(error.alias("error")).to_series()
