"""The server: does it run, does it follow, and can the next one start; and the loop beside it."""

from __future__ import annotations

import http.client
import time
from contextlib import closing
from datetime import timedelta

from mlops_lab import clock
from mlops_lab.doctor.check import Check, Finding, Patient, fail, from_error, off, ok, warn
from mlops_lab.doctor.live import read_table
from mlops_lab.errors import EnvironmentFault, MlopsError
from mlops_lab.project.owners import Role, read_owner
from mlops_lab.serving.process.address import Address, find_server, listen
from mlops_lab.serving.process.health_probe import probe_deployment
from mlops_lab.serving.process.tls import find_tls
from mlops_lab.status.wording import format_count

PATIENCE_SECONDS = 0.5
SLOW_MS = 200.0
CERTIFICATE_DAYS = 14


def look_at_server(patient: Patient) -> Finding:
    """Whether it is ready, how soon it says so, and by which decisions it answers."""
    address = find_server(patient.settled)
    if address is None:
        return off("no server of this project runs here", "`mlops serve`, or `mlops up` with the loop")
    began = time.perf_counter()
    try:
        status, text = _ask_ready(address)
    except (OSError, EnvironmentFault, http.client.HTTPException) as error:
        hint = f"look into {patient.home / 'server.log'}; stop process {address.pid}, and start it again"
        return fail(f"{address.url} does not answer: {error}", hint)
    took = (time.perf_counter() - began) * 1000
    if status != http.client.OK:
        return fail(
            f"{address.url}/readyz says {status}: {text[:200]}", "`mlops status` says more; look at the check `disk`"
        )
    probe, table = probe_deployment(address, timeout_seconds=PATIENCE_SECONDS), read_table(patient)
    seen = f"{address.url}, process {address.pid}, ready in {took:.0f} ms"
    if probe is None or table is None:
        return warn(f"{seen}; it does not say what it answers by", "`mlops status` shows what is live")
    if probe.deployment_error or probe.not_loaded:
        reason = probe.deployment_error or "; ".join(probe.not_loaded.values())
        return fail(f"{seen}; it could not take over what was decided: {reason}", "`mlops status` names the package")
    behind = [worker for worker, generation in probe.generations.items() if generation < table.generation]
    workers, oldest = format_count(len(probe.generations), "worker"), min(probe.generations.values())
    seen += f", {workers}, by decision {oldest} of {table.generation}"
    if behind:
        return warn(seen, "a server follows within a second: look again, then restart it")
    return warn(seen, "look at what else uses this machine: `top`") if took > SLOW_MS else ok(seen)


def look_at_port(patient: Patient) -> Finding:
    """Whether the next server can listen where the settings say."""
    serving = patient.settled.settings.serving
    running = find_server(patient.settled)
    if running is not None and running.port == serving.port:
        return ok(f"{serving.host}:{serving.port} is that of this project's server")
    try:
        listen(serving.host, serving.port).close()
    except EnvironmentFault as fault:
        hint = f"`ss -ltnp 'sport = :{serving.port}'` names the process that listens there; or set [serving] port"
        return fail(str(fault), hint)
    except OSError as error:
        return fail(f"{serving.host} is no address of this machine: {error}", "set [serving] host")
    return ok(f"{serving.host}:{serving.port} is free")


def look_at_certificate(patient: Patient) -> Finding:
    """Whether the certificate can be used, and until when."""
    try:
        tls = find_tls(patient.settled)
    except MlopsError as error:
        return from_error(error)
    if tls is None:
        return off(
            "the server speaks plain HTTP", "set [serving] tls_certificate and tls_key, where others can reach it"
        )
    from cryptography.x509 import load_pem_x509_certificate  # 20 ms, for those who use one

    until = load_pem_x509_certificate(tls.certificate.read_bytes()).not_valid_after_utc
    left = until - clock.now()
    seen = f"{tls.certificate.name} is valid until {until:%Y-%m-%d}"
    if left <= timedelta(0):
        return fail(f"{seen}: it has expired", "replace the files: a running server loads them by itself")
    if left < timedelta(days=CERTIFICATE_DAYS):
        return warn(f"{seen}, {left.days} days from now", "renew it: a running server loads the new files by itself")
    return ok(seen)


def look_at_loop(patient: Patient) -> Finding:
    """When the loop looked last."""
    project = patient.settled
    try:
        ago = clock.now().timestamp() - project.verdict_path.stat().st_mtime
    except FileNotFoundError:
        return off("the loop has not looked yet", "`mlops up` looks all the time, `mlops tick` once")
    owner = read_owner(project, Role.LOOP)
    who = f"{owner} has it; " if owner and owner.is_alive else ""
    seen = f"{who}the last look was {timedelta(seconds=max(0, round(ago)))} ago"
    late = ago > project.settings.rollout.verdict_hours * 3600
    if late and find_server(project) is not None:
        return warn(
            f"{seen}, and the server goes on", "`mlops tick`, from a timer; or `mlops up` in place of `mlops serve`"
        )
    return ok(seen)


def _ask_ready(address: Address) -> tuple[int, str]:
    with closing(address.connect(timeout_seconds=PATIENCE_SECONDS)) as connection:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")


SERVER = Check(
    name="server",
    looks_at="the running server: is it ready, how soon does it say so, which decisions does it follow",
    needs="settings",
    look=look_at_server,
)
PORT = Check(
    name="port",
    looks_at="whether a server can listen on the host and port of the settings",
    needs="settings",
    look=look_at_port,
)
CERTIFICATE = Check(
    name="certificate",
    looks_at="the certificate of the server: can it be used, and until when",
    needs="settings",
    look=look_at_certificate,
)
LOOP = Check(
    name="loop",
    looks_at="when the loop looked last, and which process is the loop",
    needs="settings",
    look=look_at_loop,
)
