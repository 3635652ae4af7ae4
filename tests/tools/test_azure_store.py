"""A lake in Azure's Blob Storage: Microsoft's own emulator, from npm, in place of the hosted service."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from browsing import find_program, install_web_packages
from running import MLOPS, make_once
from tool_runs import PEERS, live_version, run, train_plainly
from webhook import skip_without

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake.object_store import REFUSED, ObjectStore

pytestmark = [pytest.mark.tools, pytest.mark.timeout(600)]

PACKAGES = {"azurite": "3.37.0"}
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The emulator's account and key, which its documentation tells."""
MAKE_CONTAINER = """
import sys
from azure.storage.blob import BlobServiceClient

BlobServiceClient.from_connection_string(sys.argv[1]).create_container("lake")
"""


@pytest.fixture(scope="module")
def emulator(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running emulator with a container."""
    skip_without("azureml", is_there=(PEERS / "azureml").exists(), install="make peers")
    kept, folder = getattr(pytestconfig, "cache", None), tmp_path_factory.mktemp("azurite")
    cache = kept.mkdir("azurite") if kept else folder
    modules = make_once(cache / "npm", lambda folder: install_web_packages(folder, **PACKAGES)) / "node_modules"
    script = modules / "azurite" / "dist" / "src" / "blob" / "main.js"
    options = ["--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    command = [find_program("node", package="nodejs"), str(script), *options]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = next(line for line in process.stdout if "successfully listens on " in line)
        address = ready.split("successfully listens on ")[1].strip()
        connection = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
        connection += f"BlobEndpoint={address}/{ACCOUNT};"
        run(["python", "-c", MAKE_CONTAINER, connection], folder, tool="azureml")
        yield address
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def container(emulator: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An address of the test's own, for this process and those that it starts."""
    monkeypatch.setenv("AZURE_STORAGE_USE_EMULATOR", "true")
    monkeypatch.setenv("AZURITE_BLOB_STORAGE_URL", emulator)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    return f"abfss://lake@{ACCOUNT}.dfs.core.windows.net/{tmp_path.name}"


def test_objects_are_written_listed_and_created_once(container: str) -> None:
    store = ObjectStore(container)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: store.create("a/lease", b"%d" % number), range(8)))
    assert sum(made) == 1
    found = store.read("a/lease")
    assert found is not None
    with ThreadPoolExecutor(8) as pool:
        replaced = list(pool.map(lambda number: store.replace("a/lease", b"new %d" % number, tag=found.tag), range(8)))
    assert sum(replaced) == 1
    store.write("b", b"22")
    assert [(item.path, item.size_bytes) for item in store.objects()] == [("a/lease", 5), ("b", 2)]
    assert store.folders() == ["a"]
    store.delete(["a/lease", "never there"])
    assert not store.replace("a/lease", b"x", tag=found.tag)
    assert store.read("a/lease") is None


def test_no_container_is_said(container: str) -> None:
    store = ObjectStore(container.replace("lake@", "nowhere@"))
    for work in (store.objects, lambda: store.write("x", b""), lambda: store.create("x", b"")):
        with pytest.raises(EnvironmentFault, match="there is no such bucket") as caught:
            work()
        assert caught.value.code == REFUSED


def test_a_project_lives_there_and_on_a_second_machine(container: str, tmp_path: Path) -> None:
    run([*MLOPS, "init", "--sample", "shop"], tmp_path)
    here, away, other = tmp_path / "shop", tmp_path / "away" / "shop", tmp_path / "other" / "shop"
    shutil.copytree(here, away)
    with (away / "mlops.toml").open("a") as file:
        file.write(f'\n[lake]\nuri = "{container}"\n')
    assert train_plainly(away) == train_plainly(here)
    shutil.copytree(away, other, ignore=shutil.ignore_patterns(".mlops"))
    (other / ".mlops").mkdir()
    shutil.copy(away / ".mlops" / "keys.json", other / ".mlops")
    assert run([*MLOPS, "tick"], other).stdout.strip() == "nothing to decide"
    assert live_version(other) == live_version(away) == 1
    assert "each is as it was written, and none is missing" in run([*MLOPS, "history", "--verify"], other).stdout
