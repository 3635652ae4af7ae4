"""What the project uses outside of its folder: an object store, a Redis, a Ray cluster, and channels of alerts."""

from __future__ import annotations

import importlib.util
import os
import socket
import time

from mlops_lab.doctor.check import Check, Finding, Patient, fail, off, ok, warn
from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake.object_store import ObjectStore
from mlops_lab.project.secret_references import fill_references

PATIENCE_SECONDS = 0.5
SLOW_MS = 5.0
SLOW_STORE_MS = 500.0
_OF_THIS_MACHINE = {"auto", "local"}
_PROBE = "_doctor/probe"
_START = 'start it (Debian: apt install redis-server), or set online_store = "memory"'


def look_at_store(patient: Patient) -> Finding:
    """Whether the object store of the tables answers, how soon, and whether of two that write one object one is told
    so. It writes one small object, and deletes it."""
    uri = patient.settled.settings.lake.uri
    if not uri:
        return off("tables are in the folder of the project", None)
    try:
        store = ObjectStore(uri)
        store.delete([_PROBE])
        began = time.perf_counter()
        is_first = store.create(_PROBE, b"")
        took = (time.perf_counter() - began) * 1000
        is_second = store.create(_PROBE, b"")
        store.delete([_PROBE])
    except EnvironmentFault as fault:
        return fail(fault.what, fault.hint or "check the address")
    if not is_first or is_second:
        hint = "use a store with conditional writes (If-None-Match): without them two machines overwrite each other"
        return fail("the store lets a second writer overwrite an object", hint)
    seen = f"{uri} writes an object in {took:.0f} ms"
    if took > SLOW_STORE_MS:
        return warn(seen, "use a store in the same region: a tick writes some dozens")
    return ok(seen)


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


def look_at_ray(patient: Patient) -> Finding:
    """Whether the Ray cluster on which models are fitted can be reached. Nothing is run there."""
    training = patient.settled.settings.training
    if training.on != "ray":
        return off("models are fitted on this machine", None)
    if importlib.util.find_spec("ray") is None:
        return fail("the package `ray` is not installed: nothing can be trained", "pip install 'mlops-lab[ray]'")
    address = training.ray_address or os.environ.get("RAY_ADDRESS", "")
    if not address:
        return fail("no cluster is named", "set RAY_ADDRESS=HOST:PORT, or ray_address in [training]")
    if address in _OF_THIS_MACHINE:
        return ok(f"a cluster of this machine ({address})")
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return fail(f'"{address}" is no address of a cluster', "write HOST:PORT, such as 10.0.0.5:6379")
    try:
        began = time.perf_counter()
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE_SECONDS).close()
    except (OSError, OverflowError) as error:
        return fail(
            f"the cluster at {address} does not answer: {error}", "start it (`ray start --head`), or correct it"
        )
    return ok(f"{address} answers in {(time.perf_counter() - began) * 1000:.0f} ms")


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


STORE = Check(
    name="object-store",
    looks_at="the object store of the tables: does it answer, how soon, and does it let one of two writers win",
    needs="settings",
    look=look_at_store,
)
ONLINE_STORE = Check(
    name="online-store",
    looks_at="the Redis that servers share: does it answer, how soon, and may it drop what it holds",
    needs="settings",
    look=look_at_online_store,
)
RAY = Check(
    name="ray",
    looks_at="the Ray cluster on which models are fitted: is it named, and can it be reached",
    needs="settings",
    look=look_at_ray,
)
ALERTS = Check(
    name="alerts",
    looks_at="the channels of alerts: are their package and their secrets there (nothing is sent)",
    needs="settings",
    look=look_at_alerts,
)
