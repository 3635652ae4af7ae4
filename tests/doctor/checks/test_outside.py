"""An object store, Redis, and the channels of alerts."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from redis_server import start_redis
from s3_server import BUCKET, s3_server

from mlops_lab.doctor.check import Patient
from mlops_lab.doctor.checks.outside import look_at_alerts, look_at_online_store, look_at_ray, look_at_store
from mlops_lab.doctor.run import admit


def test_redis(with_settings: Callable[..., Patient]) -> None:
    process, url = start_redis()
    patient = with_settings(f"serving.online_store={url}")
    found = look_at_online_store(patient)
    assert found.state in {"ok", "warn"}  # slow, on a busy machine
    assert found.seen.startswith("Redis ")
    with redis.Redis.from_url(url) as database:
        database.config_set("maxmemory-policy", "allkeys-lru")
    found = look_at_online_store(patient)
    assert (found.state, "allkeys-lru" in found.seen) == ("fail", True)
    process.kill()
    process.wait()
    assert look_at_online_store(patient).seen.startswith("Redis does not answer")


def test_facts_in_memory(with_settings: Callable[..., Patient]) -> None:
    assert look_at_online_store(with_settings()).state == "off"


def test_an_object_store(
    with_settings: Callable[..., Patient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look_at_store(with_settings()).state == "off"
    with s3_server(tmp_path) as server:
        server.use(monkeypatch)
        patient = with_settings(f"lake.uri=s3://{BUCKET}/shop")
        found = look_at_store(patient)
        assert found.state in {"ok", "warn"}  # slow, on a busy machine
        assert f"s3://{BUCKET}/shop writes an object in" in found.seen
        server.fail("403")
        found = look_at_store(patient)
        assert (found.state, found.seen) == ("fail", "the store of the lake refuses (403)")
        assert "credentials" in found.hint


def test_a_ray_cluster(with_settings: Callable[..., Patient], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert look_at_ray(with_settings()).state == "off"
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    found = look_at_ray(with_settings("training.on=ray"))
    assert (found.state, found.hint) == ("fail", "pip install 'mlops-lab[ray]'")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert look_at_ray(with_settings("training.on=ray")).seen == "no cluster is named"
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        found = look_at_ray(with_settings("training.on=ray", f"training.ray_address={address}"))
        assert (found.state, found.seen.startswith(f"{address} answers in ")) == ("ok", True)
    monkeypatch.setenv("RAY_ADDRESS", address)
    found = look_at_ray(with_settings("training.on=ray"))
    assert (found.state, "does not answer" in found.seen) == ("fail", True)
    assert look_at_ray(with_settings("training.on=ray", "training.ray_address=auto")).state == "ok"
    assert "no address" in look_at_ray(with_settings("training.on=ray", "training.ray_address=head")).seen


def test_channels(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (copied / "mlops.toml").open("a") as file:
        file.write('\n[alerts.channels]\nteam = "jsons://env:DOCTOR_USER@example.org"\n')
    patient = admit(copied)
    monkeypatch.delenv("DOCTOR_USER", raising=False)
    found = look_at_alerts(patient)
    assert (found.state, found.seen) == ("fail", 'channel "team": the environment variable DOCTOR_USER is not set')
    monkeypatch.setenv("DOCTOR_USER", "a-secret")
    found = look_at_alerts(patient)
    assert (found.state, "a-secret" in found.seen) == ("ok", False)
