"""What is exported for whylogs, profiled, merged and read back by it in an environment of its own: our figures."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from tool_runs import export, run

from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.declared import MEASUREMENTS, PREDICTIONS

pytestmark = [pytest.mark.tools, pytest.mark.exporter("whylogs"), pytest.mark.timeout(600)]


def test_profiles_have_the_figures_of_our_tables(measured_project: Project) -> None:
    folder = export("whylogs", measured_project.root)
    said = run(["python", "profile_days.py"], folder, tool="whylogs", WHYLOGS_NO_ANALYTICS="True").stdout
    assert said.split()[1::2] == ["reference", "2024-03-25", "2024-03-26", "days"]
    figures: dict[str, dict[str, dict[str, Any]]] = json.loads((folder / "figures.json").read_text())

    lake = Lake(measured_project.lake_path)
    logged = PREDICTIONS.read(lake).filter(pl.col("version") == 1)
    for name in ("items", "distance", "weight"):  # fields of the request, as they lie in the log
        merged = figures["days"][name]
        assert (merged["rows"], merged["nulls"]) == (logged.height, logged[name].null_count())
        assert merged["mean"] == pytest.approx(logged[name].mean(), rel=1e-12)

    measured = MEASUREMENTS.read(lake).filter(pl.col("monitor") == "nulls", pl.col("version") == 1).sort("at")
    for name, day in figures["2024-03-26"].items():
        (share,) = measured.filter(pl.col("name") == name)["value"].tail(1)
        assert day["nulls"] / day["rows"] == pytest.approx(share, abs=1e-12), name

    reference = pl.read_parquet(folder / "reference.parquet")
    for name, found in figures["reference"].items():
        assert (found["rows"], found["nulls"]) == (reference.height, reference[name].null_count())
        if "mean" in found:
            assert found["mean"] == pytest.approx(reference[name].mean(), rel=1e-9), name


def test_a_project_without_a_measured_day(live_project: Project) -> None:
    folder = export("whylogs", live_project.root)
    said = run(["python", "profile_days.py"], folder, tool="whylogs", code=1).stderr
    assert said.startswith("error: no day was measured yet\nhint: `mlops tick`")
