"""Tests of what is only so where the tables lie in the project's folder: `make test-store` leaves them out."""

from __future__ import annotations

import os

import pytest

own_lake = pytest.mark.skipif("MLOPS_TEST_STORE" in os.environ, reason="it is about tables on the disk of this machine")
