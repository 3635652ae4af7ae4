"""The list of settings: every key once, with its value and origin, and without secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.project import load_project
from mlops_lab.project.listing import hide_secrets, list_settings

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("redis://:s3cret@127.0.0.1:6379/0", "redis://***@127.0.0.1:6379/0"),
        ("redis://me:s3@cret@host/0", "redis://***@host/0"),
        ("redis://host/0?db=1&password=s3cret", "redis://host/0?db=1&password=***"),
        ("redis://host/0?Api_Key=s3cret&db=1", "redis://host/0?Api_Key=***&db=1"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
    ],
)
def test_secrets_are_not_shown(write_project, tmp_path: Path, address: str, shown: str) -> None:
    write_project(tmp_path)
    project = load_project(tmp_path, environment={"MLOPS_SERVING__ONLINE_STORE": address})
    assert project.settings.serving.online_store == address
    rows = {row["key"]: row["value"] for row in (setting.as_dict() for setting in list_settings(project))}
    assert rows["serving.online_store"] == shown
    assert "s3" not in str(rows)


def test_every_key_is_listed_once_in_its_section() -> None:
    project = load_project(FLIGHTS, environment={})
    settings = list_settings(project)
    keys = [(setting.section, setting.name) for setting in settings]
    assert len(set(keys)) == len(keys)
    sections = [setting.section for setting in settings]
    assert {"project", "source", "source.request", "tables.weather", "serving"} <= set(sections)
    assert sections == sorted(sections, key=sections.index), "a section is not interrupted by another"
    whole: dict[str, Any] = msgspec.to_builtins(project.settings)
    port = next(setting for setting in settings if (setting.section, setting.name) == ("serving", "port"))
    assert port.value == whole["serving"]["port"]
    assert port.as_dict()["key"] == "serving.port"


words = st.text("abcxyz019", min_size=1, max_size=8)


@given(words, words, words)
def test_no_password_of_an_address_is_listed(user: str, password: str, host: str) -> None:
    secret = f"s3{password}"
    assert secret not in hide_secrets(f"redis://{user}:{secret}@{host}/0?password={secret}")
    assert hide_secrets(f"{user}/{secret}") == f"{user}/{secret}", "a path is not an address"
    assert hide_secrets(7) == 7


def test_each_rule_of_a_monitor_is_listed_by_its_number(write_project, tmp_path: Path) -> None:
    write_project(tmp_path)
    with (tmp_path / "mlops.toml").open("a") as file:
        file.write('\n[[monitors]]\ndetector = "nulls"\nseverity = "note"\n')
    listed = {row["key"]: row["value"] for row in (one.as_dict() for one in list_settings(load_project(tmp_path)))}
    assert listed["monitors.0.detector"] == "nulls"
    assert listed["monitors.0.severity"] == "note"
