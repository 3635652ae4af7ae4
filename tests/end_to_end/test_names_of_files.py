"""Files with names that a library could take for a pattern: every command reads and writes exactly the file named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from running import mlops

_ROWS = 200
_FACTS = """
[tables.weather]
data = "../weather*.csv"
key = ["city"]
fields = { city = "string", wind = "float" }
"""


def make_rows(shift: float) -> pl.DataFrame:
    random = np.random.default_rng(3)
    a = random.normal(size=_ROWS)
    return pl.DataFrame({"a": a + shift, "b": random.integers(0, 9, _ROWS), "y": (a + random.normal(size=_ROWS)) > 0})


@pytest.mark.slow
def test_every_command_reads_the_file_that_was_named(tmp_path: Path) -> None:
    make_rows(0).write_csv(tmp_path / "report[1].csv")
    make_rows(1000).write_csv(tmp_path / "report1.csv")
    (tmp_path / "weather*.csv").write_text("city,wind\nBonn,1.5\n")
    (tmp_path / "weather2.csv").write_text("wrong\n1\n")
    project = tmp_path / "shop"
    made = mlops("init", project, "--data", tmp_path / "report[1].csv", "--target", "y").data
    assert made["rows"] == _ROWS
    with (project / "mlops.toml").open("a") as config:
        config.write(_FACTS)
    mlops("run", project=project)

    requests = make_rows(0).drop("y")
    requests.head(3).write_parquet(tmp_path / "what?.parquet")
    requests.head(9).write_parquet(tmp_path / "what1.parquet")
    answers = mlops("score", tmp_path / "what?.parquet", "--out", tmp_path / "x^|%20.csv", project=project).data
    assert answers["rows"] == 3
    assert pl.read_csv(tmp_path / "x^|%20.csv", glob=False).height == 3
    assert not (tmp_path / "x^| .csv").exists()

    (tmp_path / "a b{1,2}.jsonl").write_text(json.dumps({"id": "nobody", "y": True}) + "\n")
    told = mlops("outcomes", tmp_path / "a b{1,2}.jsonl", project=project, code=1).data
    assert told["counts"]["unknown"] == 1
    (tmp_path / "more[a-z].csv").write_text("city,wind\nKöln,2\n")
    assert mlops("ingest", "weather", tmp_path / "more[a-z].csv", project=project).data["accepted"] == 1
