"""Runs and packages at a tracking server of MLflow: packages are made here, sent to it, and fetched where needed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import mlflow.artifacts
from mlflow.entities import LoggedModel
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request

from mlops_lab.errors import EnvironmentFault
from mlops_lab.extras import needs_extra
from mlops_lab.registry.store.faults import server_fault
from mlops_lab.registry.store.tracking_faults import check_version, tracking_fault

PROBE_SECONDS = 5
RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
BOUNDS: Mapping[str, str] = {
    RETRIES: "3",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
}
"""How long MLflow's client waits, where the environment says nothing else: its own defaults are many minutes."""
REMEMBERED_SECONDS = 10.0
away: dict[str, tuple[float, EnvironmentFault]] = {}
"""Servers that did not answer a moment ago: a command that needs one several times waits for it once."""


class ServerStore:
    """An MLflow server, which keeps everything; the packages that were made or fetched here lie in `packages`."""

    artifact_location: str | None = None
    """The server places them."""

    def __init__(self, packages: Path, server: str) -> None:
        for name, value in BOUNDS.items():
            os.environ.setdefault(name, value)
        check_server(server)
        self.packages = packages
        self.server = server
        self.client = MlflowClient(server, registry_uri=server)

    def package_of(self, run_id: str) -> Path:
        """The folder of the package that the run has made, on this machine. Not by its fingerprint: versions with the
        same answers may have another lineage."""
        return self.packages / run_id / "artifacts" / "model"

    def keep_package(self, model: LoggedModel, package: Path) -> str:
        """The address of a logged model, to which the files of the package were sent."""
        with self._artifact_store():
            self.client.log_model_artifacts(model.model_id, str(package))
        return str(model.artifact_location)

    def send_file(self, model_id: str, file: Path) -> None:
        """Replace a file of a logged model."""
        with self._artifact_store():
            self.client.log_model_artifact(model_id, str(file))

    def download(self, model_id: str, folder: Path) -> Path:
        """Where the files of a logged model lie now: below `folder`."""
        address = self.client.get_logged_model(model_id).artifact_location
        with self._artifact_store():
            copy = mlflow.artifacts.download_artifacts(
                artifact_uri=address, dst_path=str(folder), tracking_uri=self.server
            )
        return Path(copy)

    @contextmanager
    def _artifact_store(self) -> Iterator[None]:
        """A block that talks to the store of the server's artifacts: through it, or directly."""
        with needs_extra("s3", "the artifact store of the tracking server", where=self.server):
            try:
                yield
            except (MlflowException, ModuleNotFoundError):
                raise
            except Exception as error:  # each kind of store has errors of its own
                raise tracking_fault(
                    self.server,
                    f"its artifact store does not take or give the package: {str(error)[:300]}",
                    "check the store, and its credentials in the environment (AWS_ACCESS_KEY_ID, …)",
                ) from error


def check_server(server: str) -> None:
    """EnvironmentFault where the tracking server does not answer, refuses, or has another major version than the client
    here."""
    before, fault = away.get(server, (0.0, None))
    if fault is not None and time.monotonic() - before < REMEMBERED_SECONDS:
        raise fault
    away.pop(server, None)
    try:
        _ask_version(server)
    except EnvironmentFault as fault:
        away[server] = time.monotonic(), fault
        raise


def _ask_version(server: str) -> None:
    try:
        answer = http_request(  # type: ignore[no-untyped-call]
            get_default_host_creds(server),  # type: ignore[no-untyped-call]
            "/version",
            "GET",
            max_retries=2,
            backoff_factor=1,
            timeout=PROBE_SECONDS,
            raise_on_status=False,
        )
    except MlflowException as error:
        raise server_fault(error, server) from error
    if answer.status_code != 404:  # a gateway may let only the API through
        check_version(server, answer.status_code, answer.text)


@contextmanager
def without_retries() -> Iterator[None]:
    """A block in which requests are sent once: one whose response is lost may have done its work."""
    before = os.environ.get(RETRIES)
    os.environ[RETRIES] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[RETRIES]
        else:
            os.environ[RETRIES] = before
