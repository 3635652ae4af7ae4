"""Opening the online store that mlops.toml names."""

from __future__ import annotations

import sys

import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.features.memory import MemoryStore
from mlops_lab.serving.answering.online_store import open_online_store

REDIS = ("[gates]", '[serving]\nonline_store = "redis://127.0.0.1:1/0"\n\n[gates]')


def test_a_project_keeps_its_facts_in_memory_unless_it_says_otherwise(write_project, tmp_path):
    assert isinstance(open_online_store(write_project(tmp_path), []), MemoryStore)


def test_a_shared_store_that_does_not_answer_is_an_error_with_a_hint(write_project, tmp_path):
    pytest.importorskip("redis")
    with pytest.raises(EnvironmentFault) as caught:
        open_online_store(write_project(tmp_path, REDIS), [])
    assert caught.value.hint


def test_a_missing_package_says_how_to_install_it(write_project, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "mlops_lab.features.redis", raising=False)
    with pytest.raises(EnvironmentFault) as caught:
        open_online_store(write_project(tmp_path, REDIS), [])
    assert caught.value.code == "no_redis"
    assert "pip install" in caught.value.hint
