"""From decisions to what servers follow: the routing table, and the state they start from."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec
import polars as pl

from mlops_lab.errors import EnvironmentFault, NotFound
from mlops_lab.features.definition import Features, View
from mlops_lab.ids import new_id
from mlops_lab.lake import Lake
from mlops_lab.loop.ingest import writer_of
from mlops_lab.outcomes.judge import Verdict
from mlops_lab.project import Project
from mlops_lab.registry.package import load_plan
from mlops_lab.rollout.decisions import Decision, State, What
from mlops_lab.serving.deployment import Arm, Deployment, Live, read_deployment, write_deployment
from mlops_lab.serving.journal import disk_fault, drop_segments, worker_paths, write_segment
from mlops_lab.serving.memory import BOOK
from mlops_lab.serving.records import OutcomeRecord, PredictionRecord, encode_frames
from mlops_lab.training.history import (
    OUTCOMES,
    PREDICTIONS,
    SHADOWS,
    outcome_fields,
    read_facts,
    read_labelled,
    request_fields,
)

LONG_BYTES = 256 * 1024 * 1024
"""How much of the journals a server reads at most when it starts."""
_ANSWER = ("id", "at", "version", "role", "output", "shadow_version", "shadow_output")


def find_live(decisions: Sequence[Decision], version: int) -> Live:
    """Where the version's package lies and what it hashes to, as its first decision recorded."""
    for decision in decisions:
        if decision.version == version and "package" in decision.evidence:
            return Live(version, decision.evidence["package"], decision.evidence["fingerprint"])
    raise NotFound(
        f"version {version} is not recorded", code="unknown_version", hint="`mlops history` lists the versions"
    )


def deploy(
    project: Project, lake: Lake, *, decisions: Sequence[Decision], state: State, fresh: bool = False
) -> Deployment | None:
    """Make the routing table what the decisions say; the table, or None where nothing is live yet.

    Idempotent: where the file already says so it is left alone. The state is prepared anew where `fresh`, or where
    a live version needs views that the present state does not hold.
    """
    if state.champion is None:
        return None
    present = _present(project)
    arms = tuple(Arm(find_live(decisions, version), share) for version, share in state.arms)
    champion = find_live(decisions, state.champion)
    challenger = find_live(decisions, state.challenger) if state.challenger else None
    previous = find_live(decisions, state.previous[-1]) if state.previous else None
    others = [live for live in (challenger, previous) if live is not None]
    views = _views(project, [champion, *others, *(arm.live for arm in arms)])
    if fresh or present is None or is_long(project, lake) or not views.keys() <= _covered(project, present):
        folder, positions = prepare_state(project, lake, views=list(views.values()))
    else:
        folder, positions = present.state, present.state_positions
    deployment = Deployment(
        generation=state.generation,
        champion=champion,
        challenger=challenger,
        canary_share=project.settings.rollout.canary_share if state.stage is What.CANARY else 0.0,
        arms=arms,
        previous=previous,
        state=folder,
        state_positions=positions,
    )
    if deployment != present:
        try:
            write_deployment(project.deployment_path, deployment)
        except OSError as error:
            raise disk_fault(error, project.deployment_path) from error
    _tidy(project, lake, deployment)
    return deployment


def prepare_state(project: Project, lake: Lake, *, views: Sequence[View]) -> tuple[str, tuple[int, ...]]:
    """Write what a server needs of the past; its folder (relative to the project) and its journals' positions.

    Facts: of every table the rows within its longest window before the newest, plus the days that outcomes may
    lag, and the last row of every entity. Book: the predictions of the days that outcomes may lag.
    """
    positions = _positions(project, lake)
    name = f"state-{sum(positions)}-{new_id()[:8]}"
    folder = project.state_path / name
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        labelled = read_labelled(project, lake)
        for table, facts in read_facts(project, lake, labelled).items():
            needed = [view for view in views if view.table == table]
            if needed:
                _recent(project, facts, needed).write_parquet(folder / f"{table}.parquet")
        (folder / "views.json").write_bytes(msgspec.json.encode([view.version for view in views]))
        write_segment(folder / BOOK, encode_frames(_book(project, lake)))
    except OSError as error:
        raise disk_fault(error, folder) from error
    return str(folder.relative_to(project.root)), positions


def _recent(project: Project, facts: pl.DataFrame, views: Sequence[View]) -> pl.DataFrame:
    windows = [view.window for view in views if view.window]
    margin = timedelta(days=project.settings.source.outcome_within_days)
    newest = facts["_known_at"].max()
    if not isinstance(newest, datetime):
        return facts
    facts = facts.sort("_known_at", "_fact_id", nulls_last=False)
    oldest = newest - margin - max(windows, default=timedelta(0))
    recent = pl.col("_known_at").is_null() | (pl.max_horizontal("_known_at", "_seen_at") >= oldest)
    keep = recent
    for view in views:
        if view.window is None:  # of what is older, the latest fact of each entity is all that can still be asked for
            keys = list(view.keys.values())
            old = ~recent
            keep = keep | (old & (pl.int_range(pl.len()).over([*keys, old]) == pl.len().over([*keys, old]) - 1))
    return facts.filter(keep)


def _book(project: Project, lake: Lake) -> Iterator[PredictionRecord | OutcomeRecord]:
    if not lake.exists(PREDICTIONS):
        return
    newest = lake.read(PREDICTIONS, columns=["at"])["at"].max()
    if not isinstance(newest, datetime):
        return
    oldest = newest - timedelta(days=project.settings.source.outcome_within_days)
    asked = [field.name for field in request_fields(project)]
    answered = [field.name for field in outcome_fields(project)]
    made = lake.read(PREDICTIONS, since=("at", oldest)).sort("at", "id")
    for row in _with_shadows(lake, made, since=oldest).iter_rows(named=True):
        request = {name: row[name] for name in asked}
        answer = {name: row[name] for name in _ANSWER}
        missing = msgspec.json.decode(row["missing"] or "{}")
        yield PredictionRecord(**answer, request=request, features={}, missing=missing)
    if lake.exists(OUTCOMES):
        ended = lake.read(OUTCOMES, since=("known_at", oldest)).filter(pl.col("verdict") == Verdict.ACCEPTED)
        for row in ended.filter(pl.col("predicted_at") >= oldest).iter_rows(named=True):
            values = {name: row[name] for name in answered}
            yield OutcomeRecord(row["id"], row["known_at"], row["verdict"], values, None)


def _with_shadows(lake: Lake, predictions: pl.DataFrame, *, since: datetime) -> pl.DataFrame:
    """The predictions with what their shadow said; null where it has not come to that yet."""
    if not lake.exists(SHADOWS):
        return predictions.with_columns(shadow_output=pl.lit(None))
    shadows = lake.read(SHADOWS, since=("at", since), columns=["id", "output"]).rename({"output": "shadow_output"})
    return predictions.join(shadows.unique("id", keep="last"), on="id", how="left", maintain_order="left")


def _views(project: Project, lives: Sequence[Live]) -> dict[str, View]:
    plans = [load_plan(project.root / live.package, fingerprint=live.fingerprint) for live in lives]
    return {view.version: view for plan in plans for view in Features.from_dict(plan.features).views}


def _present(project: Project) -> Deployment | None:
    """The routing table that servers follow; None also where the state that it names is not there."""
    try:
        present = read_deployment(project.deployment_path)
    except EnvironmentFault:
        return None
    return present if (project.root / present.state / BOOK).is_dir() else None


def _covered(project: Project, present: Deployment) -> set[str]:
    path = project.root / present.state / "views.json"
    return set(msgspec.json.decode(path.read_bytes(), type=list[str])) if path.is_file() else set()


def _tidy(project: Project, lake: Lake, deployment: Deployment) -> None:
    """Delete states that nobody follows any more and journal segments that nobody needs any more."""
    for folder in project.state_path.iterdir():
        if folder != project.root / deployment.state:
            shutil.rmtree(folder, ignore_errors=True)
    needed = zip(
        worker_paths(project.journal_path), deployment.state_positions, _positions(project, lake), strict=False
    )
    for path, of_state, in_lake in needed:
        drop_segments(path, min(of_state, in_lake))


def is_long(project: Project, lake: Lake) -> bool:
    """Whether a server that starts would have to read too much of its journals: then it is time for a new state, and
    the segments before it can go."""
    present = _present(project)
    return present is not None and sum(_positions(project, lake)) - sum(present.state_positions) > LONG_BYTES


def _positions(project: Project, lake: Lake) -> tuple[int, ...]:
    """How far each worker's journal is in the lake."""
    workers = range(len(worker_paths(project.journal_path)))
    return tuple(lake.position(PREDICTIONS, writer_of(worker)) for worker in workers)
