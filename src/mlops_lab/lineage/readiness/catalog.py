"""The 28 tests of the rubric, and its sections."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_lab.lineage.readiness.data import DATA
from mlops_lab.lineage.readiness.infrastructure import INFRASTRUCTURE
from mlops_lab.lineage.readiness.model import MODEL
from mlops_lab.lineage.readiness.monitoring import MONITORING
from mlops_lab.lineage.readiness.rubric import RubricTest, Section

TESTS: tuple[RubricTest, ...] = (*DATA, *MODEL, *INFRASTRUCTURE, *MONITORING)
TITLES: Mapping[Section, str] = {
    "data": "Features and data",
    "model": "Model",
    "infrastructure": "Infrastructure",
    "monitoring": "Monitoring",
}
