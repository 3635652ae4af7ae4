"""`mlops demo`: write the flights project into a folder, replay the year, summarise it."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from mlops_lab.charts.drawing import check_charts
from mlops_lab.files import check_path, disk_fault, write_atomically
from mlops_lab.project import CONFIG_NAME, PIPELINE_NAME, Project, load_project
from mlops_lab.replay.demo_folder import MARKER, DemoOptions, ReplaySpan, open_folder
from mlops_lab.replay.driver import Replay, ReplayProgress
from mlops_lab.replay.flights import World, read_world
from mlops_lab.replay.report import write_report
from mlops_lab.replay.stopwatch import Stopwatch
from mlops_lab.replay.stream import Stream
from mlops_lab.replay.summary import DecisionRow, ReplayCounts, ReplaySummary, summarise
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import load_predictor
from mlops_lab.status.past_rollouts import list_evidence
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS
from mlops_lab.tables.open_lake import open_lake


def run_demo(options: DemoOptions, *, watch: Callable[[ReplayProgress], None]) -> ReplaySummary:
    """Replay the flights in `options.folder`; the summary, also written as `report.html` there."""
    stopwatch = Stopwatch("read data")
    check_path(options.folder)
    span = open_folder(options)
    world = read_world()
    check_charts("the report of the demo", extra="flights")  # before the work, not after it
    project = _write_project(options.folder, world, span)
    stream = Stream(project, world.facts, first=span.first, last=span.last)
    replay = Replay(project, stream, watch=watch, stopwatch=stopwatch)
    replay.run()
    stopwatch.start("report")
    return _summarise(project, stream, stopwatch)


def _write_project(folder: Path, world: World, span: ReplaySpan) -> Project:
    """The example project, written into `folder` with the data known when the span begins."""
    try:
        (folder / "data").mkdir(parents=True, exist_ok=True)
        if not (folder / MARKER).exists():
            for name in (CONFIG_NAME, PIPELINE_NAME):
                (folder / name).write_bytes(_example(name))
        project = load_project(folder)
        if not (folder / MARKER).exists():
            start = Stream(project, world.facts, first=span.first, last=span.last).start
            world.flights.filter(pl.col("known_at") < start).write_parquet(folder / "data/flights.parquet")
            world.weather.filter(pl.col("known_at") < start).write_parquet(folder / "data/weather.parquet")
            world.planes.write_parquet(folder / "data/planes.parquet")
            write_atomically(folder / MARKER, msgspec.json.encode(span))
    except OSError as error:
        raise disk_fault(error, folder) from error
    return project


def _example(name: str) -> bytes:
    packaged = importlib.resources.files("mlops_lab") / "examples" / "flights" / name
    if packaged.is_file():
        return packaged.read_bytes()
    return (Path(__file__).parents[3] / "examples" / "flights" / name).read_bytes()


def _summarise(project: Project, stream: Stream, stopwatch: Stopwatch) -> ReplaySummary:
    lake = open_lake(project)
    decisions = read_decisions(lake)
    predictions = PREDICTIONS.read(lake)
    outcomes = OUTCOMES.read(lake)
    accepted = outcomes.filter(pl.col("verdict") == "accepted")
    frozen = load_predictor(project, decisions, 1)
    inputs = predictions.select(frozen.features.inputs)
    answered = (
        predictions.select(
            "id", pl.col("at").dt.convert_time_zone(project.timezone).dt.date().alias("day"), loop="output"
        )
        .with_columns(frozen.score(inputs).alias("frozen"))
        .join(accepted.select("id", late=project.settings.source.label), on="id")
        .sort("day", "id")
    )
    months, log_loss, auc, days = summarise(answered)
    sent = stream.count(until=stream.end)
    logged = predictions["id"].n_unique()
    summary = ReplaySummary(
        project=project.name,
        span=(str(stream.first), str(stream.last)),
        months=months,
        log_loss=log_loss,
        auc=auc,
        decisions=[
            DecisionRow(
                at=_local(decision.at, project),
                what=str(decision.what),
                version=decision.version,
                reason=decision.reason,
            )
            for decision in decisions
        ],
        counts=ReplayCounts(
            sent=sent,
            logged=logged,
            joined=accepted["id"].n_unique(),
            pending=logged - accepted["id"].n_unique(),
            lost=sent - logged,
            duplicated=predictions.height - logged + accepted.height - accepted["id"].n_unique(),
        ),
        seconds=stopwatch.total_seconds,
        stages=stopwatch.seconds,
        report=str(project.root / "report.html"),
    )
    evidence = list_evidence(project, lake, decisions) if project.settings.rollout.proves_itself else []
    write_report(project.root / "report.html", summary, days, evidence=evidence)
    stopwatch.start("done")
    return msgspec.structs.replace(summary, seconds=stopwatch.total_seconds, stages=stopwatch.seconds)


def _local(moment: datetime, project: Project) -> str:
    return moment.astimezone(ZoneInfo(project.timezone)).isoformat()
