"""What is exported for Tecton, loaded and asked by its SDK in an environment of its own: our values."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from tool_runs import export, run

from mlops_lab.exporters.feast import load_features_and_facts
from mlops_lab.features.offline import view_values
from mlops_lab.project import Project

pytestmark = [pytest.mark.tools, pytest.mark.exporter("tecton"), pytest.mark.timeout(600)]
OFFLINE = {
    "TECTON_SKIP_OBJECT_VALIDATION": "true",
    "TECTON_BATCH_COMPUTE_MODE": "rift",
    "TECTON_OFFLINE_RETRIEVAL_COMPUTE_MODE": "rift",
}
ASK = """
import sys
import pandas as pd
from definitions import inputs

events = pd.read_parquet(sys.argv[1])
inputs.get_features_for_events(events).to_pandas().to_json(sys.argv[2], orient="records", date_unit="us", double_precision=15)
"""
DAYS = [datetime(2024, 3, day, tzinfo=UTC) for day in (10, 17, 24)]


def test_tecton_has_our_values_at_the_begin_of_a_day(live_project: Project) -> None:
    folder = export("tecton", live_project.root)
    features, facts = load_features_and_facts(live_project)
    customers = facts["parcels"]["customer"].drop_nulls().unique().sort().head(20)
    asked = pl.DataFrame({"depot": [*"abcde"]}).join(pl.DataFrame({"customer": customers}), how="cross")
    moments = pl.Series("timestamp", DAYS, dtype=pl.Datetime("us", "UTC"))
    asked = asked.join(moments.to_frame(), how="cross")
    asked.write_parquet(folder / "events.parquet")
    run(["python", "-c", ASK, "events.parquet", "answers.json"], folder, tool="tecton", **OFFLINE)
    rows: list[dict[str, Any]] = json.loads((folder / "answers.json").read_text())
    answers = pl.DataFrame(rows).with_columns(pl.col("timestamp").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))
    answers = asked.join(answers, on=["depot", "customer", "timestamp"], how="left", maintain_order="left")
    compared = 0
    for view in features.views:
        ours = view_values(view, asked, time="timestamp", facts=facts[view.table])
        for name in view.values:
            theirs = answers[f"{view.name}__{name}"]
            wanted = ours[name].dt.epoch("us") if ours[name].dtype.is_temporal() else ours[name]
            known = theirs.is_not_null()  # without any fact, ours is a declared default
            assert theirs.filter(known).cast(pl.Float64).to_list() == pytest.approx(
                wanted.filter(known).cast(pl.Float64).to_list(), rel=1e-12
            ), name
            assert wanted.filter(~known).fill_null(0).cast(pl.Float64).to_list() == [0] * int((~known).sum()), name
            compared += int(known.sum())
    assert compared > 500
