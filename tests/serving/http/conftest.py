"""A project with the least settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_lab.project import Project, load_project

TOML = """
[project]
name = "guarded"
[source]
table = "orders"
data = "orders.csv"
id = "id"
time = "asked_at"
known_at = "known_at"
label = "late"
[source.request]
asked_at = "datetime"
[source.outcome]
late = "boolean"
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "mlops.toml").write_text(TOML)
    return load_project(tmp_path)
