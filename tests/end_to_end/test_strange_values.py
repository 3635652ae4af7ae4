"""A project that `mlops init` made answers what its first table never had: nulls, whole floats, more columns."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from running import Talk, mlops, mlops_serve

from mlops_lab.project import load_project

_ROWS = 500
_FIRST = datetime(2024, 1, 1)


def make_rows() -> pl.DataFrame:
    """A column of every kind, none with a null, the target and the time included."""
    random = np.random.default_rng(7)
    amount, items = random.gamma(2, 20, _ROWS).round(2), random.integers(1, 9, _ROWS)
    words = ["good", "bad", "slow", "red", "never", "again"]
    return pl.DataFrame(
        {
            "ordered_at": [_FIRST + timedelta(hours=n) for n in range(_ROWS)],
            "born": [_FIRST - timedelta(days=int(days)) for days in random.integers(1, 900, _ROWS)],
            "amount": amount,
            "items": items,
            "express": random.random(_ROWS) < 0.5,
            "city": random.choice(["Bonn", "Köln", "Ulm"], _ROWS),
            "note": [" ".join(random.choice(words, 7)) + f" {n}" for n in range(_ROWS)],
            "late": amount / 40 + items / 4 + random.normal(0, 0.3, _ROWS) > 2,
        }
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strange")
    make_rows().write_parquet(folder / "orders.parquet")
    mlops("init", folder / "shop", "--data", folder / "orders.parquet", "--target", "late", "--time", "ordered_at")
    mlops("run", project=folder / "shop")
    return folder / "shop"


INPUTS = ("born", "amount", "items", "express", "city", "note")


def test_a_null_in_any_input_is_answered_in_files_and_requests(project: Path, tmp_path: Path) -> None:
    rows = make_rows().drop("late").head(len(INPUTS))
    holes = rows.with_columns(
        pl.when(pl.int_range(pl.len()) != place).then(name).alias(name) for place, name in enumerate(INPUTS)
    )
    holes.with_columns(more=1).write_csv(tmp_path / "holes.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    scored = mlops("score", tmp_path / "holes.csv", project=project).data
    assert scored["unanswered"] == 0
    requests = [as_json(row) for row in holes.to_dicts()]
    requests.append({**requests[0], "items": float(requests[0]["items"])})
    with mlops_serve(project) as ready:
        host, _, port = ready["ready"].removeprefix("http://").partition(":")
        status, answers = Talk(load_project(project), host, int(port)).post("/v1/predict", requests)
    assert status == 200
    outputs = [answer["output"] for answer in answers]
    assert outputs == [*(answer["output"] for answer in scored["answers"]), outputs[0]]


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    return {name: f"{value:%FT%TZ}" if isinstance(value, datetime) else value for name, value in row.items()}


def test_what_pandas_writes_after_a_missing_value_is_loaded(project: Path, tmp_path: Path) -> None:
    """Whole numbers as floats, empty cells, and a column that was not there before: the loop goes on."""
    later = make_rows().with_columns(pl.col("ordered_at") + timedelta(days=20))
    grown = pl.concat([make_rows(), later]).with_row_index("n")
    grown = grown.with_columns(
        items=pl.when(pl.col("n") % 7 != 6).then(pl.col("items").cast(pl.Float64)),
        city=pl.when(pl.col("n") % 9 != 8).then("city"),
        new=pl.lit("x"),
    )
    old = make_rows().height
    grown = pl.concat([make_rows().with_columns(pl.col("items").cast(pl.Float64)), grown[old:]], how="diagonal_relaxed")
    grown.drop("n").write_csv(tmp_path / "grown.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    ran = mlops("run", "--set", f"source.data={tmp_path / 'grown.csv'}", project=project, code=None)
    assert ran.code in {0, 1}, ran.err
    assert '"new" is ignored' in ran.err
    assert json.loads(ran.out)["what"] in {"refuse", "shadow"}
    assert mlops("quarantine", project=project).data["waiting"] == []
