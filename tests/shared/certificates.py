"""Certificates for tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def certify(folder: Path, name: str = "tls", *, host: str = "DNS:localhost,IP:127.0.0.1") -> None:
    """Write a certificate that it has signed itself, and its key."""
    if shutil.which("openssl") is None:
        assert not os.environ.get("CI"), "CI lacks openssl"
        pytest.skip("openssl is not installed")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=lab", "-addext", f"subjectAltName={host}"]
    files = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt")]
    subprocess.run([*command, *files], check=True, capture_output=True)
