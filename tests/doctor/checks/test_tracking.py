"""The check of the tracking server, against small servers that answer as MLflow's may."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import mlflow
import pytest
from answering_server import answering

from mlops_lab.doctor.check import Patient
from mlops_lab.doctor.checks.stores import look_at_mlflow
from mlops_lab.doctor.checks.tracking import PATIENCE_SECONDS, look_at_tracking


def test_a_server_that_fits(with_settings: Callable[..., Patient], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")
    with answering({"/version": (200, mlflow.__version__), "/api": (404, "{}")}, asked) as url:
        patient = with_settings(f"tracking.uri={url}")
        found = look_at_tracking(patient)
    assert found.state in {"ok", "warn"}  # slow, on a busy machine
    assert found.seen.startswith(f"{url}: MLflow {mlflow.__version__} answers in ")
    assert asked == [
        ("/version", "Bearer t0ken"),
        ("/api/2.0/mlflow/registered-models/get?name=parcels", "Bearer t0ken"),
    ]
    assert look_at_mlflow(patient).seen == "runs and versions are at the tracking server"


@pytest.mark.parametrize(
    ("version", "model", "seen"),
    [
        ((200, "1.30.0"), (200, "{}"), "the tracking server has MLflow 1.30.0"),
        ((200, "hello"), (200, "{}"), "does not tell its version as MLflow does"),
        ((302, "http://127.0.0.1:1/"), (200, "{}"), "(HTTP 302)"),
        ((401, ""), (401, ""), "refuses these credentials (HTTP 401)"),
        ((200, mlflow.__version__), (403, ""), "refuses these credentials (HTTP 403)"),
        ((404, ""), (401, ""), "refuses these credentials (HTTP 401)"),
    ],
)
def test_a_server_that_does_not(
    with_settings: Callable[..., Patient],
    monkeypatch: pytest.MonkeyPatch,
    version: tuple[int, str],
    model: tuple[int, str],
    seen: str,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "somebody")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "s3cr3t")
    with answering({"/version": version, "/api": model}, []) as url:
        found = look_at_tracking(with_settings(f"tracking.uri={url}"))
    assert found.state == "fail"
    assert seen in found.seen
    assert found.hint
    assert "s3cr3t" not in str(found)


def test_a_server_that_is_away_or_silent(with_settings: Callable[..., Patient]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        away = with_settings(f"tracking.uri=http://127.0.0.1:{silent.getsockname()[1]}")
        found = look_at_tracking(away)
        assert (found.state, "does not answer: [Errno 111]" in found.seen) == ("fail", True)
        silent.listen()
        began = time.monotonic()
        assert "does not answer: timed out" in look_at_tracking(away).seen
        assert time.monotonic() - began < 20 * PATIENCE_SECONDS


def test_a_certificate_that_cannot_be_read(
    with_settings: Callable[..., Patient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", "/no/such/file.pem")
    assert look_at_tracking(with_settings("tracking.uri=https://127.0.0.1:1")).state == "fail"


def test_without_a_server(with_settings: Callable[..., Patient]) -> None:
    assert look_at_tracking(with_settings()).state == "off"
