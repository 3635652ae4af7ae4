"""The process that connects to a Ray cluster says what is wrong before Ray is imported."""

from __future__ import annotations

import multiprocessing
import socket

import pytest

from mlops_lab.errors import MlopsError
from mlops_lab.project.sections import TrainingSection
from mlops_lab.training.ray_driver import drive


def answer_of_driver(address: str) -> MlopsError:
    processes = multiprocessing.get_context("spawn")
    ours, theirs = processes.Pipe()
    driver = processes.Process(target=drive, args=(TrainingSection(on="ray", ray_address=address), theirs))
    driver.start()
    theirs.close()
    try:
        answer = ours.recv()
    finally:
        driver.join(60)
    assert driver.exitcode == 0
    assert isinstance(answer, MlopsError)
    return answer


def test_no_address_a_wrong_one_and_one_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert answer_of_driver("").code == "no_ray_address"
    assert answer_of_driver("cluster").code == "bad_ray_address"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error = answer_of_driver(f"127.0.0.1:{port}")
    assert error.code == "ray_unreachable"
    assert f"127.0.0.1:{port}" in error.what
