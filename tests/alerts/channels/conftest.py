"""Some alerts, and an empty lake to write them to."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlops_lab.alerts.alert import Alert
from mlops_lab.lake import Lake

AT = datetime(2013, 3, 2, 5, tzinfo=UTC)


@pytest.fixture
def alerts() -> list[Alert]:
    """Two alerts of one tick."""
    return [Alert(AT + timedelta(hours=row), "parity", f"what {row}", f"where {row}", "look") for row in range(2)]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)
