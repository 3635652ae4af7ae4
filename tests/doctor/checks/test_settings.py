"""What a person wrote: settings, pipeline, data."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_lab.doctor.check import Patient
from mlops_lab.doctor.checks.settings import look_at_data, look_at_pipeline, look_at_settings
from mlops_lab.doctor.run import admit
from mlops_lab.project import Project

STOCK = 'data = "data/stock.parquet"'


def test_an_error_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "mlops.toml").write_text("[project]\nname = 3\n")
    found = look_at_settings(admit(tmp_path))
    assert found.state == "fail"
    assert "line 2" in found.seen


def test_what_the_environment_overrides(
    tmp_path: Path, write_project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_SERVING__PORT", "9000")
    write_project(tmp_path)
    assert "MLOPS_SERVING__PORT of the environment" in look_at_settings(admit(tmp_path)).seen


def test_a_pipeline_is_read_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").write_text("raise SystemExit('it was run')\n")
    patient = Patient(root=tmp_path)
    assert look_at_pipeline(patient).state == "ok"
    (tmp_path / "pipeline.py").write_text("x = 1\ny = (\n")
    assert "pipeline.py, line 2" in look_at_pipeline(patient).seen
    (tmp_path / "pipeline.py").unlink()
    assert look_at_pipeline(patient).state == "fail"


def test_data_that_is_not_there(tmp_path: Path, write_project: Callable[..., Project]) -> None:
    write_project(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.parquet").touch()
    found = look_at_data(admit(tmp_path))
    assert (found.state, found.seen) == ("fail", "stock: data/stock.parquet does not exist")
    (tmp_path / "data" / "stock.parquet").touch()
    assert look_at_data(admit(tmp_path)).seen == "orders: data/orders.parquet; stock: data/stock.parquet"


@pytest.mark.parametrize("scheme", ["https", "s3"])
def test_a_host_is_asked_whether_it_is_there(
    scheme: str, tmp_path: Path, write_project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{place}")
        address = f"https://{place}/stock.csv" if scheme == "https" else "s3://bucket/stock.csv"
        write_project(tmp_path, (STOCK, f'data = "{address}"'))
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "orders.parquet").touch()
        found = look_at_data(admit(tmp_path))
        assert (found.state, f"stock: {place} answers in" in found.seen) == ("ok", True)
    found = look_at_data(admit(tmp_path))
    assert (found.state, f"{place} cannot be reached" in found.seen) == ("fail", True)


def test_a_database_in_a_file(tmp_path: Path, write_project: Callable[..., Project]) -> None:
    write_project(tmp_path, (STOCK, 'data = "sqlite:///stock.db"\nquery = "SELECT 1"'))
    assert "stock: stock.db does not exist" in look_at_data(admit(tmp_path)).seen
