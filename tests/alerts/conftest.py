"""Some alerts, an empty lake to write them to, and a project with channels."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlops_lab.alerts.alert import Alert
from mlops_lab.lake import Lake
from mlops_lab.project import Project

AT = datetime(2013, 3, 2, 5, tzinfo=UTC)


@pytest.fixture
def alerts() -> list[Alert]:
    """Two alerts of one tick."""
    return [Alert(AT + timedelta(hours=row), "parity", f"what {row}", f"where {row}", "look") for row in range(2)]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def make_project(write_project: Callable[..., Project], tmp_path: Path) -> Callable[..., Project]:
    """Makes a project with these lines in `[alerts]` and these channels."""

    def make(settings: str = "", **channels: str) -> Project:
        declared = "".join(f'{name} = "{address}"\n' for name, address in channels.items())
        section = f"[alerts]\n{settings}\n[alerts.channels]\n{declared}\n[backtest]"
        return write_project(tmp_path, ("[backtest]", section))

    return make
