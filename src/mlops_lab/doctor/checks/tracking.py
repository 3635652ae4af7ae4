"""The tracking server: MLflow's, where runs and versions are kept. Asked without MLflow, which takes 4 s to load."""

from __future__ import annotations

import base64
import http.client
import os
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from mlops_lab.doctor.check import Check, Finding, Patient, from_error, off, ok, warn
from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.store.tracking_faults import REFUSALS, check_version, no_answer, refused

PATIENCE_SECONDS = 0.25
"""For each of two questions."""
SLOW_MS = 200.0
_MODEL = "/api/2.0/mlflow/registered-models/get?name="


def look_at_tracking(patient: Patient) -> Finding:
    """Whether the server answers, how soon, whether its version fits, and whether it takes the credentials."""
    project = patient.settled
    server = project.settings.tracking.uri
    if not server:
        return off("runs and versions are kept in .mlops/mlflow", None)
    try:
        began = time.perf_counter()
        status, text = _ask(server, "/version")
        took = (time.perf_counter() - began) * 1000
        version = "of unknown version" if status == 404 else str(check_version(server, status, text))
        status, _ = _ask(server, _MODEL + urllib.parse.quote(project.name_at_server))
        if status in REFUSALS:
            raise refused(server, status)
    except EnvironmentFault as fault:
        return from_error(fault)
    seen = f"{server}: MLflow {version} answers in {took:.0f} ms"
    if took > SLOW_MS:
        return warn(seen, "move it nearer, or look at its database: a training asks it some 20 times; answers never do")
    return ok(seen)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The credentials are for this server, and not for one that it names."""

    def redirect_request(self, *_: Any) -> None:
        """None: what was answered counts."""


def _ask(server: str, path: str) -> tuple[int, str]:
    """The status and the beginning of the text with which the server answers; EnvironmentFault where it does not."""
    request = urllib.request.Request(server.rstrip("/") + path, headers=_credentials())
    try:
        opener = urllib.request.build_opener(_NoRedirects, urllib.request.HTTPSHandler(context=_tls()))
        with opener.open(request, timeout=PATIENCE_SECONDS) as answer:
            return answer.status, answer.read(1000).decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise no_answer(server, str(getattr(error, "reason", error)) or type(error).__name__) from None


def _credentials() -> dict[str, str]:
    """The header that MLflow's own variables ask for."""
    name, password = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")
    if name and password:
        return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _tls() -> ssl.SSLContext:
    """What MLflow's variables say of certificates."""
    context = ssl.create_default_context(cafile=os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or None)
    if own := os.environ.get("MLFLOW_TRACKING_CLIENT_CERT_PATH"):
        context.load_cert_chain(own)
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in {"1", "true"}:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


TRACKING = Check(
    name="tracking",
    looks_at="the tracking server: does it answer, how soon, does its version fit, does it take the credentials",
    needs="settings",
    look=look_at_tracking,
)
