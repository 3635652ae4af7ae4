"""Tests of what is only so where a project keeps its state in its own folder: `make test-store` and `make test-tracking`
leave them out."""

from __future__ import annotations

import os

import pytest

own_lake = pytest.mark.skipif("MLOPS_TEST_STORE" in os.environ, reason="it is about tables on the disk of this machine")
own_registry = pytest.mark.skipif(
    "MLOPS_TEST_TRACKING" in os.environ, reason="it is about runs and versions in the project's own database"
)
