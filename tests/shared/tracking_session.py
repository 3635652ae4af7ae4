"""The tracking server of `make test-tracking`: one for a whole run of pytest, whichever worker asks.

python tracking_session.py        prints its address, and serves until stdin ends
"""

from __future__ import annotations

import os
import subprocess
import sys
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
    """An MLflow server until this run of pytest ends. Workers of pytest-xdist are started later, by this process, and get
    its address."""
    if VARIABLE not in os.environ or hasattr(config, "workerinput"):
        return
    # In a process of its own, which sees its stdin end in whatever way this one ends.
    process = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )

    def end() -> None:
        process.communicate()

    config.add_cleanup(end)
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    if not address:
        raise pytest.UsageError("the tracking server does not start")
    os.environ[VARIABLE] = address


def main() -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tracking-")))
        store = stack.enter_context(s3_server(folder))
        try:
            database = postgres_uri()
        except pytest.skip.Exception as missing:
            sys.exit(str(missing))
        server = MlflowServer(
            folder,
            backend=database,
            options=["--artifacts-destination", f"s3://{BUCKET}/models"],
            variables={**store.variables, "PGPASSWORD": PASSWORD},
        )
        stack.callback(server.stop)
        server.start()
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
