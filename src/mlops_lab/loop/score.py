"""Batch scoring: a file of requests, answered by the champion as of each request's own time."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from mlops_lab.contracts.fields import Field
from mlops_lab.contracts.tables import conform
from mlops_lab.errors import InvalidInput
from mlops_lab.features.offline import compute
from mlops_lab.loop.deploy import find_live
from mlops_lab.loop.ingest import ingest_journal, read_file
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.serving.predictor import Predictor
from mlops_lab.training.history import read_facts, read_labelled, request_fields


def score(project: Project, file: Path) -> pl.DataFrame:
    """The requests in `file` with `output` and `version` beside them, in their order.

    Where classes are predicted, each has a column `output_CLASS`. The features are those that a request at that moment
    would have met: computed from the same definition, from what was known strictly before it. An `id` column is kept.
    Nothing is logged: these answers were given to nobody.
    """
    loop = Loop(project)
    if loop.state.champion is None:
        raise InvalidInput("no version is live yet", code="nothing_live", hint="run `mlops run` first")
    ingest_journal(project, loop.lake)
    requests = read_file(file, [Field("id", "string", nullable=False), *request_fields(project)])
    names = pl.DataFrame({"id": requests["id"]} if "id" in requests.columns else {})
    requests = requests.drop("id", strict=False)
    if project.timed_by_arrival:
        requests = requests.with_columns(pl.lit(loop.now()).alias(project.settings.source.time))
    asked = conform(requests, request_fields(project), table="requests")
    live = find_live(loop.decisions, loop.state.champion)
    champion = Predictor(project.root / live.package, version=live.version, fingerprint=live.fingerprint)
    facts = read_facts(project, loop.lake, read_labelled(project, loop.lake))
    inputs = compute(champion.features, asked, time=project.settings.source.time, facts=facts)
    answers = asked.with_columns(*_outputs(project, champion.score(inputs)), version=pl.lit(champion.version))
    return pl.concat([names, answers], how="horizontal") if names.width else answers


def _outputs(project: Project, output: pl.Series) -> list[pl.Series]:
    if not project.classes:
        return [output]
    return [output.list.get(place).alias(f"output_{name}") for place, name in enumerate(project.classes)]
