"""The lake of a project, read as the project declares it now."""

import shutil
from pathlib import Path

import polars as pl

from mlops_lab.project import load_project
from mlops_lab.tables.declared import TABLES
from mlops_lab.tables.open_lake import open_lake


def test_every_table_is_declared(tiny):
    declared = open_lake(tiny.project).declared
    assert set(declared) == {"orders", "stock", *(table.name for table in TABLES)}
    assert declared["stock"]["items"].dtype == pl.Float64()


def test_rows_from_before_a_field_was_declared_have_it(tiny, tmp_path):
    root = Path(shutil.copytree(tiny.project.root, tmp_path / "project"))
    text = (root / "mlops.toml").read_text()
    gift = 'amount = "float?"\npromo = "string?"\ngift = { type = "string", default = "none" }'
    (root / "mlops.toml").write_text(text.replace('amount = "float?"', gift))
    rows = open_lake(load_project(root)).read("orders")
    assert rows["promo"].null_count() == rows.height == tiny.lake.read("orders").height
    assert rows["gift"].unique().to_list() == ["none"]
