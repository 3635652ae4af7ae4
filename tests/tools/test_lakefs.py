"""What is exported for lakeFS: the hook, asked as lakeFS asks before a merge, and the settings. moto's S3 stands in for
the gateway of lakeFS: a repository is a bucket there, and keys begin with a branch or a commit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import polars as pl
import pytest
import yaml
from moto.server import ThreadedMotoServer
from peer_servers import peer_server
from running import MLOPS
from tool_runs import run

from mlops_lab.exporters.lakefs.export import ACTION

pytestmark = [pytest.mark.tools, pytest.mark.exporter("lakefs"), pytest.mark.timeout(600)]

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "s3cr3t", "AWS_DEFAULT_REGION": "us-east-1"}
TOKEN = "a-long-random-text"
EVENT = {
    "event_type": "pre-merge",
    "event_time": "2026-02-28T14:03:31Z",
    "action_name": "contract of flights",
    "hook_id": "contract",
    "repository_id": "flights",
    "branch_id": "main",
    "source_ref": "new-rows",
    "commit_message": "new rows",
    "committer": "ada",
    "commit_metadata": {"source": "airline"},
}


@pytest.fixture
def gateway() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def client_of(gateway: str) -> Any:
    return boto3.client(
        "s3", endpoint_url=gateway, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
    )


def put(gateway: str, branch: str, folder: Path) -> None:
    """All data files of the project onto a branch."""
    client = client_of(gateway)
    if "flights" not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket="flights")
    for file in (folder / "data").iterdir():
        client.upload_file(str(file), "flights", f"{branch}/data/{file.name}")


def ask(url: str, event: object, *, token: str = TOKEN) -> tuple[int, str]:
    """Status and text of the hook's answer."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    try:
        with urlopen(Request(url, body, {"Authorization": f"Bearer {token}"}), timeout=300) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_a_branch_that_breaks_the_contract_is_not_merged(week: Path, gateway: str) -> None:
    run([*MLOPS, "export", "lakefs", "lakefs"], week)
    action = yaml.safe_load((week / "lakefs" / ACTION).read_text())
    (hook,) = action["hooks"]
    assert (action["on"], hook["type"]) == ({"pre-merge": {"branches": ["main"]}}, "webhook")
    put(gateway, "new-rows", week)
    flights = pl.read_parquet(week / "data" / "flights.parquet")
    flights.with_columns(pl.lit(-1).alias("distance")).write_parquet(week / "data" / "flights.parquet")
    put(gateway, "broken", week)
    variables = {**KEYS, "AWS_ENDPOINT_URL": gateway, "LAKEFSACTION_MLOPS_TOKEN": TOKEN, "HOOK_PORT": "{port}"}
    with peer_server(["python", "hook.py"], week / "lakefs", tool="", ready="/", **variables) as url:
        status, said = ask(url, EVENT)
        assert (status, "0 rules broken" in said) == (200, True), said
        status, said = ask(url, EVENT | {"source_ref": "broken"})
        assert (status, "distance" in said) == (412, True), said
        status, said = ask(url, EVENT | {"source_ref": "no-such-branch"})
        assert (status, "s3://flights/no-such-branch/data/flights.parquet" in said) == (500, True), said
        assert ask(url, EVENT, token="guessed")[0] == 401
        wrong = [{"event_type": "post-merge"}, {"repository_id": "other"}, {"source_ref": "../x"}, {"source_ref": None}]
        assert {ask(url, EVENT | change)[0] for change in wrong} == {400}
        assert [ask(url, body)[0] for body in (b"[]", b"no json", b"\xff")] == [400] * 3
    missing = run(["python", "hook.py"], week / "lakefs", code=1, LAKEFSACTION_MLOPS_TOKEN="")
    assert "LAKEFSACTION_MLOPS_TOKEN is not set" in missing.stderr


def test_the_project_reads_its_data_there(week: Path, gateway: str, week_fingerprint: str) -> None:
    run([*MLOPS, "export", "lakefs", "lakefs"], week)
    put(gateway, "main", week)
    for file in (week / "data").iterdir():
        file.unlink()
    lines = [line for line in (week / "lakefs" / "lakefs.env").read_text().splitlines() if not line.startswith("#")]
    settings = dict(line.split("=", 1) for line in lines)
    assert len(settings) == 4
    store = {"AWS_ENDPOINT_URL": gateway, "MLOPS_LAKE__URI": "s3://flights/loop/lake"}
    record = json.loads(run([*MLOPS, "run", "--json"], week, **settings | KEYS | store).stdout)
    assert record["evidence"]["fingerprint"] == week_fingerprint
    found = client_of(gateway).list_objects_v2(Bucket="flights", Prefix="loop/lake/decisions/_delta_log/")["Contents"]
    assert found[0]["Key"].endswith("00000000000000000000.json")
