"""The requests of a past span whose outcome is known by now, and what any version answers to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.features.offline import Facts
from mlops_lab.inference.predictor import Predictor
from mlops_lab.lake import Lake
from mlops_lab.lineage.held_out import compute_inputs
from mlops_lab.project import Project
from mlops_lab.tasks.make import make_task
from mlops_lab.tasks.multiclass import order_classes
from mlops_lab.training.outcome_delay import read_training_facts


@dataclass
class PastRequests:
    """The requests, in the order of their time: `rows` as the training would have them, `truth`, when the outcome of
    each arrived, and the key by which it is assigned to a version."""

    project: Project
    rows: pl.DataFrame
    truth: pl.Series
    arrived: pl.Series
    keys: list[str]
    facts: Facts
    _inputs: dict[str, tuple[pl.DataFrame, pl.Series]] = field(default_factory=dict)

    @property
    def moments(self) -> pl.Series:
        """When each was requested."""
        return self.rows[self.project.settings.source.time]

    def inputs(self, predictor: Predictor) -> pl.DataFrame:
        """What the version sees of each request, as of the request's own time."""
        return self._inputs_of(predictor)[0]

    def answer(self, predictor: Predictor) -> pl.Series:
        """The version's answers; null where a server would refuse the request, or the answer would not be valid."""
        inputs, refused = self._inputs_of(predictor)
        output = predictor.score(inputs)
        if self.project.classes:
            output = order_classes(output, classes=predictor.plan.classes, wanted=self.project.classes)
        task = make_task(self.project.task, classes=self.project.classes)
        return pl.select(pl.when(~(refused | task.invalid(output))).then(output)).to_series().alias("output")

    def _inputs_of(self, predictor: Predictor) -> tuple[pl.DataFrame, pl.Series]:
        version = predictor.features.version
        if version not in self._inputs:
            self._inputs[version] = compute_inputs(self.project, predictor, self.rows, facts=self.facts)
        return self._inputs[version]


def read_past_requests(project: Project, lake: Lake, *, began: datetime, end: datetime) -> PastRequests:
    """The requests from `began` on and before `end`. InvalidInput where there is none with a known outcome."""
    source = project.settings.source
    facts = read_training_facts(project, lake)
    labelled = facts[source.table]
    moment = pl.col(source.time)
    truth = make_task(project.task, classes=project.classes).encode(labelled[source.label])
    rows = labelled.with_columns(truth.alias("__truth")).filter(moment >= began, moment < end, truth.is_not_null())
    if rows.is_empty():
        first, last = labelled.select(moment.min().dt.date(), moment.max().dt.date().alias("last")).row(0)
        held = f"{labelled.height:,} labelled rows, from {first} to {last}"
        raise InvalidInput(
            f"no request from {began:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} (UTC) has a known outcome",
            code="no_requests",
            where="--from, --to",
            hint=f"the lake has {held}" if labelled.height else "load data first: `mlops run`",
        )
    own_key = pl.col(source.key).cast(pl.String) if source.key else pl.lit(None, pl.String)
    return PastRequests(
        project=project,
        rows=rows.drop("__truth"),
        truth=rows["__truth"].alias("truth"),
        arrived=rows.select(pl.coalesce("_seen_at", "_known_at").alias("arrived"))["arrived"],
        keys=rows.select(pl.coalesce(own_key, pl.col("_fact_id").cast(pl.String)).alias("key"))["key"].to_list(),
        facts=facts,
    )
