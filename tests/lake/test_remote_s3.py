"""Objects of S3, of moto's server on loopback, and what is said where there is none or it refuses."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import boto3
import polars as pl
import pytest
from moto.server import ThreadedMotoServer

from mlops_lab.errors import EnvironmentFault, NotFound
from mlops_lab.lake.sources import read_data

FRAME = pl.DataFrame({"id": ["a", "b"], "price": [1.5, 2.5]})


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in {"AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t")
    content = io.BytesIO()
    FRAME.write_parquet(content)
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="shop")
    client.put_object(Bucket="shop", Key="2024/my orders.parquet", Body=content.getvalue())


def test_an_object_is_read_and_asked_for_again_only_when_it_changed(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for _ in range(2):
        assert read_data("s3://shop/2024/my orders.parquet", cache=cache).equals(FRAME)
    (copy,) = cache.glob("*.parquet")
    kept = copy.stat().st_ino
    assert read_data("s3://shop/2024/my%20orders.parquet").equals(FRAME)
    read_data("s3://shop/2024/my orders.parquet", cache=cache)
    assert copy.stat().st_ino == kept, "it was not written again"
    client = boto3.client("s3", region_name="us-east-1")
    client.put_object(Bucket="shop", Key="2024/my orders.parquet", Body=b"id,price\nc,3.5\n")
    with pytest.raises(Exception, match=r"s3://shop/2024/my orders\.parquet: cannot be read as Parquet"):
        read_data("s3://shop/2024/my orders.parquet", cache=cache)
    assert copy.stat().st_ino != kept


@pytest.mark.parametrize("address", ["s3://shop/nothing.parquet", "s3://no-such-shop/a.parquet"])
def test_what_is_not_there_is_an_error(address: str) -> None:
    with pytest.raises(NotFound) as caught:
        read_data(address)
    assert (caught.value.code, caught.value.where) == ("no_file", address)


def test_a_store_that_cannot_be_reached_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("mlops_lab.lake.remote_s3._TRIES", 1)
    with pytest.raises(EnvironmentFault) as caught:
        read_data("s3://shop/a.parquet")
    assert caught.value.code == "download_failed"
    assert "s3cr3t" not in str(caught.value.as_dict())
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with pytest.raises(EnvironmentFault, match="ProfileNotFound"):
        read_data("s3://shop/a.parquet")


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(EnvironmentFault) as caught:
        read_data("s3://shop/a.parquet")
    assert (caught.value.code, caught.value.hint) == ("missing_extra", "pip install 'mlops-lab[s3]'")


@pytest.mark.parametrize("key", ["AKIDEXAMPLE", ""])
def test_wrong_credentials_are_an_error_without_a_secret(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    def check_signatures_after(actions: str) -> None:
        urlopen(Request(f"{endpoint}/moto-api/reset-auth", actions.encode(), {"Content-Type": "text/plain"})).close()

    if not key:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    check_signatures_after("0")
    try:
        with pytest.raises(EnvironmentFault, match="the store refuses") as caught:
            read_data("s3://shop/2024/my orders.parquet")
    finally:
        check_signatures_after("inf")
    assert caught.value.code == "not_allowed"
    assert ("no credentials were found" in str(caught.value.hint)) is not bool(key)
    assert "s3cr3t" not in str(caught.value.as_dict())
