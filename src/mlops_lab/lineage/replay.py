"""Logged predictions answered again: from the inputs that were logged, from the facts as of their time, and by other
versions."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any

import polars as pl

from mlops_lab.errors import InvalidInput, MlopsError
from mlops_lab.inference.predictor import Predictor
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.lineage.logged_rows import read_prediction
from mlops_lab.lineage.records import (
    OtherAnswer,
    PredictionReplay,
    ReplayedInput,
    ReplayedVersion,
    SampleReplay,
)
from mlops_lab.loop.erasures import explain_by_erasures
from mlops_lab.monitoring.answers import allowed_distance, answer_again
from mlops_lab.monitoring.logged_inputs import logged_inputs
from mlops_lab.monitoring.logged_version import LoggedVersion
from mlops_lab.monitoring.looked_up_facts import LookedUpFacts
from mlops_lab.monitoring.parity import OUTPUT, OUTPUT_FROM_FACTS, ParityReport, Verifier
from mlops_lab.project import Project
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import Decision
from mlops_lab.rollout.versions import load_plan_of, load_predictor
from mlops_lab.schemas.casts import complete_columns
from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.tables.open_lake import open_lake


def replay_prediction(
    project: Project, prediction_id: str, *, other: int | None = None, takes_in: bool = True
) -> PredictionReplay:
    """A logged prediction answered again by its own version, and by another one with its own features as of then.

    What the server has acknowledged is taken into the lake first; without `takes_in`, nothing is changed. NotFound
    where there is no such prediction or version; EnvironmentFault where the package of one is gone.
    """
    lake, decisions = _open(project, takes_in=takes_in)
    rows = complete_columns(read_prediction(project, lake, prediction_id), PREDICTIONS.schema(project))
    number, at = rows["version"][0], rows["at"][0]
    predictor = load_predictor(project, decisions, number)
    report = ParityReport()
    _make_verifier(project, lake, decisions).compare(rows, report)
    for reason in (*(reason for _, reason in report.unverified), *(problem.what for problem in report.problems)):
        raise InvalidInput(
            f"cannot be answered again: {reason}",
            code="not_replayed",
            where=prediction_id,
            hint="`mlops features verify` checks the whole log and its tables",
        )
    found = {difference.feature: difference.defined for difference in report.examples}
    logged = logged_inputs(rows, predictor.plan).row(0, named=True)
    output = _plain(rows[OUTPUT][0])
    return PredictionReplay(
        id=prediction_id,
        at=at.isoformat(),
        version=number,
        equal=not report.differing,
        logged=output,
        from_log=found.get(OUTPUT, output),
        from_facts=found.get(OUTPUT_FROM_FACTS, output),
        tolerance=allowed_distance(predictor),
        inputs=[_describe_input(name, logged, found) for name in predictor.features.inputs],
        other=None if other is None else _ask_other(project, lake, decisions, rows, other),
    )


def replay_sample(project: Project, predictions: int, *, seed: int | None = None) -> SampleReplay:
    """Random predictions of the whole log answered again; `seed`: None is another sample each time.

    InvalidInput where nothing was logged.
    """
    lake, decisions = _open(project, takes_in=True)
    seed = secrets.randbelow(2**31) if seed is None else seed
    sample = _draw(lake, predictions, seed=seed)
    if sample.is_empty():
        raise InvalidInput(
            "no prediction was logged yet", code="no_predictions", where="--sample", hint="ask a server: `mlops serve`"
        )
    report = _make_verifier(project, lake, decisions).verify_ids(sample["id"].to_list())
    differing = report.differing_ids or {}
    counts = sample.group_by("version").len().sort("version")
    versions = [_describe_version(number, count, report) for number, count in counts.iter_rows()]
    return SampleReplay(
        seed=seed,
        predictions=sample.height,
        equal=sum(version.equal for version in versions),
        versions=versions,
        differing=sorted(name for ids in differing.values() for name in ids),
        by_input=report.differing,
    )


def explain_difference(project: Project) -> str:
    """Why a prediction may not be answered as it was logged, and what tells more."""
    return (
        explain_by_erasures(open_lake(project))
        or "was a table, the log or the server's code changed? `mlops features verify` checks all"
    )


def _open(project: Project, *, takes_in: bool) -> tuple[Lake, Sequence[Decision]]:
    lake = open_lake(project)
    if takes_in:
        ingest_journal(project, lake)
    lake = lake.pin()
    return lake, read_decisions(lake)


def _make_verifier(project: Project, lake: Lake, decisions: Sequence[Decision]) -> Verifier:
    return Verifier(
        project,
        lake,
        plan_of=partial(load_plan_of, project, decisions),
        predictor_of=cache(partial(load_predictor, project, decisions)),
        answers_from_facts=True,
    )


def _draw(lake: Lake, predictions: int, *, seed: int) -> pl.DataFrame:
    """The ids and versions of random predictions, the same ones for a seed in whatever order the rows are stored."""
    if not PREDICTIONS.exists(lake):
        return pl.DataFrame()
    rows = PREDICTIONS.read(lake, columns=["id", "version"]).drop_nulls()
    return rows.sort(pl.col("id").hash(seed=seed), "id").head(predictions)


def _describe_version(number: int, predictions: int, report: ParityReport) -> ReplayedVersion:
    left_out = {reason: count for (version, reason), count in report.unverified.items() if version == number}
    differing = len((report.differing_ids or {}).get(number, ()))
    return ReplayedVersion(
        version=number,
        predictions=predictions,
        equal=predictions - differing - max(left_out.values(), default=0),
        differing=differing,
        reason="; ".join(left_out) or None,
    )


def _describe_input(name: str, logged: Mapping[str, Any], found: Mapping[str, Any]) -> ReplayedInput:
    value = logged.get(name)
    return ReplayedInput(name=name, logged=value, from_facts=found.get(name, value), equal=name not in found)


def _ask_other(
    project: Project, lake: Lake, decisions: Sequence[Decision], rows: pl.DataFrame, number: int
) -> OtherAnswer:
    predictor = load_predictor(project, decisions, number)
    version = LoggedVersion(number, predictor.plan)
    at = rows["at"][0]
    assert isinstance(at, datetime)
    facts = LookedUpFacts(project, lake, version.features.views, requests=rows).between(at, at)
    inputs, refusal = _see(predictor, version, rows, facts)
    output = None if refusal else _plain(answer_again(predictor, inputs)[0])
    return OtherAnswer(version=number, output=output, refusal=refusal, inputs=inputs.row(0, named=True))


def _see(
    predictor: Predictor, version: LoggedVersion, rows: pl.DataFrame, facts: Mapping[str, pl.DataFrame]
) -> tuple[pl.DataFrame, str | None]:
    """The inputs of a version for one logged request, and why it would have refused it (None: it would not)."""
    try:
        return version.inputs(rows, facts), version.refusals(rows, facts)[0]
    except (pl.exceptions.PolarsError, MlopsError) as error:
        raise InvalidInput(
            f"its features cannot be computed for this request: {str(error).splitlines()[0][:200]}",
            code="other_fields",
            where=f"version {predictor.version}",
            hint="the request was logged with other fields or tables; ask a version of that time",
        ) from None


def _plain(value: Any) -> Any:
    return value.to_list() if isinstance(value, pl.Series) else value
