"""What a person wrote: mlops.toml, pipeline.py, and where the data is."""

from __future__ import annotations

import os
import re
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from mlops_lab.doctor.check import Check, Finding, Patient, fail, from_error, ok
from mlops_lab.project import PIPELINE_NAME

PATIENCE_SECONDS = 0.5
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PORTS = {"https": 443, "http": 80, "postgresql": 5432, "postgres": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433}


def look_at_settings(patient: Patient) -> Finding:
    """Whether mlops.toml can be read, with what the environment and flags add."""
    if patient.fault is not None:
        return from_error(patient.fault)
    project = patient.settled
    overridden = [name for name in os.environ if name.startswith("MLOPS_") and "__" in name]
    more = f", and {', '.join(sorted(overridden))} of the environment" if overridden else ""
    return ok(f'the project "{project.name}" in {project.root}: mlops.toml{more}')


def look_at_pipeline(patient: Patient) -> Finding:
    """Whether pipeline.py is there and is Python. It is not run."""
    path = patient.folder / PIPELINE_NAME
    try:
        compile(path.read_bytes(), PIPELINE_NAME, "exec", dont_inherit=True)
    except OSError as error:
        return fail(f"{PIPELINE_NAME} cannot be read: {error.strerror}", "restore it, or see docs/starting.md")
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        return fail(f"{PIPELINE_NAME}{line}: {error.args[0]}", "mend this line; `mlops validate` then runs all of it")
    return ok(f"{PIPELINE_NAME} can be read, {path.stat().st_size:,} bytes")


def look_at_data(patient: Patient) -> Finding:
    """Whether the data of each table is where the settings say."""
    settings = patient.settled.settings
    places = {
        settings.source.table: settings.source.data,
        **{name: table.data for name, table in settings.tables.items()},
    }
    found = {table: _find(patient.folder, data) for table, data in places.items()}
    if missing := [f"{table}: {reason}" for table, (is_there, reason) in found.items() if not is_there]:
        return fail(
            "; ".join(missing), "check `data` of the table in mlops.toml, and what it names; what is in the lake stays"
        )
    return ok("; ".join(f"{table}: {seen}" for table, (_, seen) in found.items()))


def _find(folder: Path, data: str) -> tuple[bool, str]:
    """Whether something is there, and what was seen. Of an address, only host and port: there may be more in it."""
    match = _ADDRESS.match(data)
    if match is None:
        return _find_file(folder / data, data)
    scheme = match[1].lower()
    if scheme.startswith("sqlite"):
        file = data.partition(":///")[2].partition("?")[0]
        return _find_file(folder / file, file)
    if scheme == "s3":
        address = os.environ.get("AWS_ENDPOINT_URL", "https://s3.amazonaws.com")
        scheme = urlsplit(address).scheme
    else:
        address = data
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or _PORTS.get(scheme.partition("+")[0])
    except ValueError:
        return False, "its address cannot be read"
    if host is None or port is None:  # a socket of this machine, or a database whose port only its driver knows
        return True, f"{scheme}, which only a run asks"
    return _reach(host, port)


def _find_file(path: Path, name: str) -> tuple[bool, str]:
    if os.access(path, os.R_OK):
        return True, name
    return False, f"{name} {'cannot be read' if path.exists() else 'does not exist'}"


def _reach(host: str, port: int) -> tuple[bool, str]:
    began = time.perf_counter()
    try:
        socket.create_connection((host, port), timeout=PATIENCE_SECONDS).close()
    except OSError as error:
        return False, f"{host}:{port} cannot be reached: {error.strerror or error}"
    return True, f"{host}:{port} answers in {(time.perf_counter() - began) * 1000:.0f} ms"


SETTINGS = Check(
    name="settings",
    looks_at="mlops.toml, and what the environment overrides",
    needs="machine",
    look=look_at_settings,
)
PIPELINE = Check(
    name="pipeline",
    looks_at="pipeline.py: is it there, and is it Python (it is not run)",
    needs="folder",
    look=look_at_pipeline,
)
DATA = Check(
    name="data",
    looks_at="the files of the tables, or the hosts of their addresses (nothing is read from them)",
    needs="settings",
    look=look_at_data,
)
