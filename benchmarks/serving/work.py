"""The work of all servers: one model, two projects of ours that serve it, and the requests.

The flights of the first quarter of 2013. The model is version 1; version 2, trained three weeks later, answers a
tenth of the aircraft. Peers get the same trees as a fitted scikit-learn pipeline, and rows with all inputs.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import joblib  # as courses do and some peers need; the file is read on the machine that wrote it
import numpy as np
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from mlops_lab.features.offline import compute
from mlops_lab.inference.predictor import Predictor
from mlops_lab.loop.tick import Loop
from mlops_lab.project import load_project
from mlops_lab.registry.engines.encoding import learn_categories
from mlops_lab.replay.flights import read_world
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.rollout.versions import find_version
from mlops_lab.tables.facts import read_facts
from mlops_lab.tables.fields import request_fields
from mlops_lab.training.candidate import Candidate, prepare_candidate

PROJECTS = Path(__file__).parent / "projects"
SECOND = datetime(2013, 4, 1, tzinfo=UTC)
FIRST = SECOND - timedelta(days=21)
SHARE = 0.1
ASKED_DAYS = 3  # requests are the flights of the last days before SECOND: servers keep more days than that
MODEL = "model.joblib"


@dataclass(frozen=True)
class Work:
    """A folder with our projects `features` and `bare` and, for peers, `model.joblib`; and the requests.

    `requests` have the fields of a request, `rows` are the same flights with all model inputs, `expected` are the
    answers of version 1.
    """

    folder: Path
    requests: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    expected: list[float]


def prepare_work(folder: Path) -> Work:
    """The work, made in `folder`, or left there by an earlier run."""
    kept = folder / "work.json"
    if not kept.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(_make(folder)))
    return Work(folder, **json.loads(kept.read_text()))


def _make(folder: Path) -> dict[str, Any]:
    loop = _make_project(folder / "features")
    project, lake = loop.project, loop.lake
    candidate = prepare_candidate(project, lake, now=FIRST)
    joblib.dump(_fit_pipeline(candidate), folder / MODEL)
    time, features = project.settings.source.time, candidate.pipeline.features
    flights = lake.read("flights").sort(time, "flight_id")
    asked = flights.select(field.name for field in request_fields(project))
    inputs = compute(features, asked, time=time, facts=read_facts(project, lake))
    known = flights.select("late", "known_at", row_id="flight_id", asked_at=time)
    _make_bare(folder / "bare", pl.concat([known, inputs], how="horizontal"))
    # whole rows only: of a null, a frame of one row makes a column of objects, which some peers cannot score
    chosen = pl.select(asked[time] >= SECOND - timedelta(days=ASKED_DAYS)).to_series() & _is_whole(inputs)
    live = find_version(loop.decisions, 1)
    version_1 = Predictor(project.root / live.package, version=1)
    return {
        "requests": asked.filter(chosen).with_columns(pl.col(time).dt.strftime("%Y-%m-%dT%H:%M:%SZ")).to_dicts(),
        "rows": inputs.filter(chosen).to_dicts(),
        "expected": version_1.score(inputs.filter(chosen)).to_list(),
    }


def _is_whole(inputs: pl.DataFrame) -> pl.Series:
    return inputs.select(pl.all_horizontal(pl.all().is_not_null())).to_series()


def _make_project(folder: Path) -> Loop:
    """The project `features`: version 1 is the champion, and version 2 answers a fixed tenth of the aircraft."""
    shutil.copytree(PROJECTS / "features", folder)
    (folder / "data").mkdir()
    world = read_world()
    for name, table in (("flights", world.flights), ("weather", world.weather)):
        table.filter(pl.col("known_at") < SECOND).write_parquet(folder / "data" / f"{name}.parquet")
    world.planes.write_parquet(folder / "data" / "planes.parquet")
    loop = Loop(load_project(folder))
    loop.run(FIRST, by="the benchmark")
    decision = loop.run(SECOND, by="the benchmark")
    if decision.what is not DecisionKind.SHADOW:
        raise SystemExit(f"error: the benchmark needs a second version, and its gates refused it: {decision.reason}")
    loop.roll_back(SECOND, by="the benchmark", reason="an A/B test instead of a rollout")
    loop.split(SECOND, 2, share=SHARE, by="the benchmark")
    return loop


def _make_bare(folder: Path, rows: pl.DataFrame) -> None:
    """The project `bare`: the same model, learned from the same rows with all inputs in the request."""
    shutil.copytree(PROJECTS / "bare", folder)
    (folder / "data").mkdir()
    rows.write_parquet(folder / "data" / "flights.parquet")
    Loop(load_project(folder)).run(FIRST, by="the benchmark")


def _fit_pipeline(candidate: Candidate) -> Pipeline:
    """The same trees, in the way courses teach: texts become codes in one step, the model is the next."""
    data = candidate.data
    frame = data.inputs.to_pandas()
    texts = [name for name, dtype in data.inputs.schema.items() if dtype == pl.String]
    codes = OrdinalEncoder(
        categories=list(learn_categories(data.inputs).values()),  # the codes decide how trees split them
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
    )
    encode = ColumnTransformer([("texts", codes, texts)], remainder="passthrough")
    pipeline = Pipeline([("encode", encode), ("model", candidate.pipeline.model())])
    places = [list(data.inputs.columns).index(name) for name in texts]
    return pipeline.fit(frame, data.truth.to_numpy(), model__categorical_feature=places)
