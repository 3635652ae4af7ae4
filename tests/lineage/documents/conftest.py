"""The made-up project of the end-to-end tests, with version 1 live: what documents are made of."""

from __future__ import annotations

import pytest
from live_projects import live_project, template

from mlops_lab.lineage.documents.version_facts import VersionFacts, read_version_facts
from mlops_lab.project import Project

__all__ = ["live_project", "template"]


@pytest.fixture(scope="module")
def facts(live_project: Project) -> VersionFacts:
    """The facts about version 1."""
    return read_version_facts(live_project, 1)
