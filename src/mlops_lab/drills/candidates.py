"""Candidates that a person trains in a copy, from a changed `pipeline.py`."""

from __future__ import annotations

from mlops_lab.drills.play import DrillReplay
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.training.pipeline import load_pipeline


def train_from(replay: DrillReplay, more: str) -> None:
    """Train a candidate as of now from `pipeline.py` with `more` text at its end; later trainings have the own text
    again. A rollout that is under way is ended first, as a person would."""
    path, loop, now = replay.project.pipeline_path, replay.loop, replay.moment
    own = path.read_text(encoding="utf-8")
    loop.catch_up()
    if loop.state.stage is not None:
        loop.steer(now, DecisionKind.ROLL_BACK, by="the drill", reason="the drill needs the place of the challenger")
    path.write_text(own + more, encoding="utf-8")
    try:
        load_pipeline(replay.project)
        loop.run(now, by="the drill")
    finally:
        path.write_text(own, encoding="utf-8")
