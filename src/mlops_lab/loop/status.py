"""What is so right now, in one look."""

from __future__ import annotations

from typing import Any

import polars as pl

from mlops_lab.loop.ingest import ingest_journal
from mlops_lab.loop.tick import Loop
from mlops_lab.monitoring.measure import TABLE as MEASUREMENTS
from mlops_lab.outcomes.judge import Verdict
from mlops_lab.project import Project
from mlops_lab.serving.address import find_server
from mlops_lab.training.history import OUTCOMES, PREDICTIONS


def describe(project: Project) -> dict[str, Any]:
    """What is live and since when, the quality of its last measured day, and what is waiting; plain JSON data."""
    loop = Loop(project)
    ingest_journal(project, loop.lake)
    state, server = loop.state, find_server(project)
    predictions = loop.lake.read(PREDICTIONS, columns=["id"]).height if loop.lake.exists(PREDICTIONS) else 0
    verdicts: dict[str, int] = {}
    if loop.lake.exists(OUTCOMES):
        verdicts = dict(loop.lake.read(OUTCOMES, columns=["verdict"])["verdict"].value_counts().iter_rows())
    return {
        "project": project.name,
        "server": f"http://{server.host}:{server.port}" if server else None,
        "champion": state.champion,
        "since": state.since.isoformat() if state.since else None,
        "challenger": state.challenger,
        "stage": state.stage,
        "generation": state.generation,
        "quality": _quality(loop),
        "predictions": predictions,
        "pending": predictions - verdicts.get(Verdict.ACCEPTED, 0),
        "unknown_outcomes": verdicts.get(Verdict.UNKNOWN, 0),
        "conflicting_outcomes": verdicts.get(Verdict.CONFLICT, 0),
        "last_decision": loop.decisions[-1].as_dict() if loop.decisions else None,
    }


def _quality(loop: Loop) -> dict[str, float]:
    if not loop.lake.exists(MEASUREMENTS):
        return {}
    measured = loop.lake.read(MEASUREMENTS).filter(pl.col("monitor") == "quality")
    newest = measured.filter(pl.col("at") == pl.col("at").max())
    return dict(newest.select("name", "value").iter_rows())
