"""The tracking server of `make test-tracking`: one for a whole run of pytest, whichever worker asks."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from mlflow_server import MlflowServer
from postgres_server import PASSWORD, postgres_uri
from s3_server import BUCKET, s3_server

VARIABLE = "MLOPS_TEST_TRACKING"
"""Is set where all projects of the tests keep their runs at a tracking server; from then on it has the address."""


def start_tracking(config: pytest.Config) -> None:
    """An MLflow server with PostgreSQL, and S3 for its artifacts, until this run of pytest ends. Workers of pytest-xdist
    are started later, by this process, and get its address."""
    if VARIABLE not in os.environ or hasattr(config, "workerinput"):
        return
    stack = ExitStack()
    config.add_cleanup(stack.close)
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="tracking-")))
    store = stack.enter_context(s3_server(folder))
    try:
        database = postgres_uri()
    except pytest.skip.Exception as missing:
        raise pytest.UsageError(str(missing)) from None
    server = MlflowServer(
        folder,
        backend=database,
        options=["--artifacts-destination", f"s3://{BUCKET}/models"],
        variables={**store.variables, "PGPASSWORD": PASSWORD},
    )
    stack.callback(server.stop)
    server.start()
    os.environ[VARIABLE] = server.url
