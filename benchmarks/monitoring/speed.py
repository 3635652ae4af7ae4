"""How long it takes to measure the drift of many rows: ours beside Evidently, on the same columns in the same run."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from mlops_lab.monitoring.detectors.run import run_detectors
from mlops_lab.monitoring.profile import make_profiles
from monitoring.peers import run_peer, write_frame
from monitoring.worlds import Day

NUMBERS, TEXTS = 15, 5
ROUNDS = 3


def draw_columns(rng: np.random.Generator, rows: int) -> pl.DataFrame:
    """Numbers and texts."""
    numbers = {f"number_{place}": rng.gamma(2.0, 1.0 + place / 10, rows) for place in range(NUMBERS)}
    texts = {f"text_{place}": rng.choice([f"t{of}" for of in range(12)], rows) for place in range(TEXTS)}
    return pl.DataFrame({**numbers, **texts})


def compare_speed(rows: int) -> dict[str, float]:
    """Seconds of the processor, so that other programs do not count: of ours (all detectors, the median of some rounds;
    the profile of training is in the package), of Evidently (its drift preset once; reading and importing do not
    count), and the ratio."""
    rng = np.random.default_rng(3)
    reference, current = draw_columns(rng, rows), draw_columns(rng, rows)
    began = time.process_time()
    profiles = make_profiles(reference)
    profiling = time.process_time() - began
    with tempfile.TemporaryDirectory() as temporary:
        nothing = np.zeros(rows)
        frames = [
            write_frame(Path(temporary) / f"{name}.npz", [Day(frame, nothing, nothing)])
            for name, frame in (("reference", reference), ("current", current))
        ]
        theirs = json.loads(run_peer("evidently", "--speed", *frames))["seconds"]
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        assert len(list(run_detectors(current, profiles))) > NUMBERS + TEXTS
        rounds.append(time.process_time() - began)
    ours = statistics.median(rounds)
    return {"rows": rows, "ours_s": ours, "profile_s": profiling, "evidently_s": theirs, "ratio": theirs / ours}
