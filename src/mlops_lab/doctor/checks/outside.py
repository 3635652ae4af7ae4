"""What the project uses outside of its folder: a Redis that servers share, and the channels of alerts."""

from __future__ import annotations

import importlib.util
import os
import time

from mlops_lab.doctor.check import Check, Finding, Patient, fail, off, ok, warn
from mlops_lab.errors import EnvironmentFault
from mlops_lab.project.secret_references import fill_references

PATIENCE_SECONDS = 0.5
SLOW_MS = 5.0
_START = 'start it (Debian: apt install redis-server), or set online_store = "memory"'


def look_at_online_store(patient: Patient) -> Finding:
    """Whether Redis answers, how soon, and whether it may drop facts."""
    address = patient.settled.settings.serving.online_store
    if address == "memory":
        return off("each server keeps facts in its own memory", None)
    try:
        import redis  # takes 0.2 s: only for those who use it
    except ImportError:
        return fail(
            "the package `redis` is not installed", "pip install 'mlops-lab[redis]', or set online_store = \"memory\""
        )
    try:
        with redis.Redis.from_url(
            address, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS, decode_responses=True
        ) as database:
            database.ping()
            began = time.perf_counter()
            database.ping()
            took = (time.perf_counter() - began) * 1000
            about: dict[str, str] = database.info()
    except (redis.RedisError, ValueError) as error:
        return fail(f"Redis does not answer: {error}", _START)
    policy = about.get("maxmemory_policy", "noeviction")
    seen = f"Redis {about['redis_version']} answers in {took:.1f} ms, {about['used_memory_human']} in use"
    if policy != "noeviction":
        hint = (
            "`redis-cli config set maxmemory-policy noeviction`, and in its file: what is dropped is missing in answers"
        )
        return fail(f"{seen}; it drops what it holds (maxmemory-policy {policy})", hint)
    if took > SLOW_MS:
        return warn(seen, "move it nearer: each answer waits for it")
    return ok(seen)


def look_at_alerts(patient: Patient) -> Finding:
    """Whether channels are declared, with all their secrets. Nothing is sent."""
    channels = patient.settled.settings.alerts.channels
    if not channels:
        return off("no channel: alerts are in the table only", "declare one in [alerts], see docs/alerts.md")
    if importlib.util.find_spec("apprise") is None:
        return fail("the package `apprise` is not installed: no alert is sent", "pip install 'mlops-lab[alerts]'")
    for name, address in channels.items():
        try:
            fill_references(address, os.environ)
        except EnvironmentFault as fault:
            return fail(f'channel "{name}": {fault.what}', fault.hint or "set it where the loop runs")
    return ok(f"{', '.join(channels)}: all secrets are set; `mlops alerts test` sends a message")


ONLINE_STORE = Check(
    name="online-store",
    looks_at="the Redis that servers share: does it answer, how soon, and may it drop what it holds",
    needs="settings",
    look=look_at_online_store,
)
ALERTS = Check(
    name="alerts",
    looks_at="the channels of alerts: are their package and their secrets there (nothing is sent)",
    needs="settings",
    look=look_at_alerts,
)
