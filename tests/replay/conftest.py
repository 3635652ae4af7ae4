"""What the tests of the replay share: the year, read once."""

import fcntl

import polars as pl
import pytest

from mlops_lab.replay.flights import World, read_world

TABLES = ("flights", "weather", "planes")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> World:
    """All flights of 2013. The worker that comes first reads them and leaves them for the others."""
    if worker_id == "master":
        return read_world()
    folder = tmp_path_factory.getbasetemp().parent / "world"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            year = read_world()
            for name in TABLES:
                getattr(year, name).write_parquet(folder / f"{name}.parquet")
            (folder / "complete").touch()
    return World(*(pl.read_parquet(folder / f"{name}.parquet") for name in TABLES))
