"""Training and tuning on a Ray cluster on this machine: the same version as without, and an end to whatever goes wrong."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from running import MLOPS, until
from tool_runs import environment, run

pytestmark = [pytest.mark.tools, pytest.mark.timeout(1200)]

OURS = ["python", *MLOPS[1:]]
DYING = '''

_make = model


def model():
    """The process of the cluster that fits it dies, as often as a file says."""
    import os
    from pathlib import Path

    estimator = _make()

    class Dying(type(estimator)):
        def fit(self, *rest, **options):
            left = Path(os.environ["DEATHS"])
            count = int(left.read_text())
            if count:
                left.write_text(str(count - 1))
                os._exit(1)
            return super().fit(*rest, **options)

    estimator.__class__ = Dying
    return estimator
'''


class Cluster:
    """Two processors of this machine, on loopback, with a token of its own. `folder` has a short path: sockets lie in
    it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        self.deaths, self.packages = folder / "deaths", folder / "packages"
        self.deaths.write_text("0")
        self.packages.mkdir()
        own = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # else Ray replaces 127.0.0.1 by an address of the network
            "DEATHS": str(self.deaths),
        }
        self.variables = own | {"MLOPS_TRAINING__ON": "ray", "RAY_ADDRESS": f"127.0.0.1:{port}"}
        words = ["ray", "start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={port}"]
        words += ["--min-worker-port=0", "--max-worker-port=0"]
        words += ["--include-dashboard=false", "--disable-usage-stats", f"--temp-dir={folder}"]
        words += ["--num-cpus=2", "--object-store-memory=200000000"]
        # of our package it knows nothing: that travels with the work
        variables = environment("ray", **own, PYTHONPATH=str(self.packages))
        self.log = (folder / "log").open("w")
        self.process = subprocess.Popen(words, env=variables, cwd=folder, stdout=self.log, stderr=self.log)
        until(lambda: "Ray runtime started" in Path(self.log.name).read_text(), seconds=300)

    def find(self, program: str = "") -> list[int]:
        """The processes of the cluster: all of them name its folder."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                words = path.read_bytes().split(b"\0")
                if Path(os.fsdecode(words[0])).name.endswith(program) and os.fsencode(self.folder) in b" ".join(words):
                    found.append(int(path.parts[2]))
        return found

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        for number in self.find():
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.log.close()

    def run(self, *words: str, folder: Path, code: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        """A command that trains on the cluster, in its environment."""
        return run([*OURS, *words], folder, tool="ray", code=code, **self.variables | variables)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="r", ignore_cleanup_errors=True) as name:
        cluster = Cluster(Path(name))
        try:
            yield cluster
        finally:
            cluster.stop()


def test_the_same_version_and_the_same_trials_as_without(cluster: Cluster, week: Path, week_fingerprint: str) -> None:
    here = shutil.copytree(week, week.parent / "here")
    trained = json.loads(cluster.run("run", "--json", folder=week).stdout)
    assert trained["evidence"]["fingerprint"] == week_fingerprint
    (record,) = week.glob(".mlops/**/environment.json")
    assert json.loads(record.read_text())["variables"]["OMP_NUM_THREADS"] == "1", "that of the cluster's process"

    tuned = json.loads(cluster.run("tune", "--trials", "4", "--json", folder=week).stdout)
    plainly = json.loads(run([*OURS, "tune", "--trials", "4", "--json"], here, tool="ray").stdout)
    for name in ("present", "baseline", "best", "trials", "importances", "paste"):
        assert tuned[name] == plainly[name], name


def test_whatever_goes_wrong_ends_with_one_error(cluster: Cluster, week: Path, week_fingerprint: str) -> None:
    with (week / "pipeline.py").open("a") as file:
        file.write(DYING)
    cluster.deaths.write_text("99")
    said = cluster.run("run", folder=week, code=3).stderr
    assert "error: mlops.toml, [training] on: the process that did the work died 3 times" in said

    cluster.deaths.write_text("2")  # the third time it lives
    trained = json.loads(cluster.run("run", "--json", folder=week).stdout)
    assert trained["evidence"]["fingerprint"] == week_fingerprint

    other = week.parent / "other"
    shutil.copytree(week, other, ignore=shutil.ignore_patterns(".mlops"))
    few = {"MLOPS_TRAINING__RAY_CPUS": "9", "MLOPS_TRAINING__RAY_WAIT_SECONDS": "2"}
    said = cluster.run("run", folder=other, code=3, **few).stderr
    assert "no node of the Ray cluster has 9 processors (the largest: 2)" in said

    said = cluster.run("run", folder=other, code=3, RAY_AUTH_TOKEN=secrets.token_hex(32)).stderr
    assert "cannot be used: ray.exceptions.AuthenticationError" in said

    (cluster.packages / "numpy-0.1.dist-info").mkdir()
    (cluster.packages / "numpy-0.1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: numpy\nVersion: 0.1\n"
    )
    said = cluster.run("run", folder=other, code=3).stderr
    assert "the Ray cluster has other versions: numpy 0.1 (here " in said
    shutil.rmtree(cluster.packages / "numpy-0.1.dist-info")

    study = other / ".mlops" / "tune.db"
    words = [*OURS, "tune", "--trials", "500"]
    tuning = subprocess.Popen(
        words, cwd=other, env=environment("ray", **cluster.variables), stderr=subprocess.PIPE, text=True
    )
    until(lambda: study.exists() and b"told" in study.read_bytes(), seconds=200)  # a trial has its result
    (raylet,) = cluster.find("raylet")
    os.kill(raylet, signal.SIGKILL)
    assert tuning.wait(200) == 3
    assert tuning.stderr is not None
    assert (
        "error: mlops.toml, [training] on: the Ray cluster was lost in the middle of the work" in tuning.stderr.read()
    )
