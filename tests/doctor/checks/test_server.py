"""The server, its port, its certificate, and the loop."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from certificates import certify
from running import serving

from mlops_lab.doctor.check import Patient
from mlops_lab.doctor.checks import server
from mlops_lab.doctor.checks.server import look_at_certificate, look_at_loop, look_at_port, look_at_server
from mlops_lab.doctor.run import admit
from mlops_lab.serving.process.address import find_server


def test_a_running_server_is_asked(copied: Path) -> None:
    patient = admit(copied)
    assert look_at_server(patient).state == "off"
    with serving(patient.settled):
        address = find_server(patient.settled)
        assert address is not None
        found = look_at_server(patient)
        assert found.state in {"ok", "warn"}  # slow, on a busy machine
        assert found.seen.startswith(f"http://127.0.0.1:{address.port}, process ")
        assert "1 worker, by decision" in found.seen
        (copied / ".mlops" / "deployment.json").write_text("")
        os.kill(address.pid, signal.SIGSTOP)
        try:
            found = look_at_server(patient)
        finally:
            os.kill(address.pid, signal.SIGCONT)
        assert (found.state, "does not answer" in found.seen) == ("fail", True)


def test_a_port_that_is_taken(with_settings: Callable[..., Patient]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        patient = with_settings(f"serving.port={port}")
        found = look_at_port(patient)
        assert (found.state, f"127.0.0.1:{port}" in found.seen) == ("fail", True)
    assert look_at_port(patient).state == "ok"


def test_a_host_that_is_not_here(with_settings: Callable[..., Patient]) -> None:
    assert look_at_port(with_settings("serving.host=192.0.2.1")).state == "fail"


def test_a_certificate(with_settings: Callable[..., Patient], copied: Path) -> None:
    assert look_at_certificate(admit(copied)).state == "off"
    certify(copied)
    patient = with_settings("serving.tls_certificate=tls.crt", "serving.tls_key=tls.key")
    found = look_at_certificate(patient)
    assert (found.state, "1 days from now" in found.seen) == ("warn", True)
    (copied / "tls.key").write_text("no key")
    assert look_at_certificate(patient).state == "fail"


def test_the_last_look_of_the_loop(copied: Path) -> None:
    patient = admit(copied)
    assert look_at_loop(patient).state == "ok"
    before = time.time() - 40 * 3600
    os.utime(patient.settled.verdict_path, (before, before))
    assert look_at_loop(patient).state == "ok", "no server waits for it"
    with serving(patient.settled):
        found = look_at_loop(patient)
    assert (found.state, "1 day, 16:0" in found.seen) == ("warn", True)
    patient.settled.verdict_path.unlink()
    assert look_at_loop(patient).state == "off"
    assert server.PATIENCE_SECONDS < 1
