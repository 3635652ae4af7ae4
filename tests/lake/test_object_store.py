"""Objects of a real store on loopback: what is there, what two clients do at once, and what is said when it fails."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake.object_store import REFUSED, UNREACHABLE, ObjectStore, each


@pytest.fixture
def store(stored_uri: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> ObjectStore:
    monkeypatch.setenv("HOME", str(tmp_path))
    return ObjectStore(f"{stored_uri}/a project/")


def test_objects_are_written_read_listed_and_deleted(store):
    assert store.read("rows/a b") is None
    store.write("rows/a b", b"1")
    store.write("rows/c", b"22")
    store.write("top", b"")
    assert store.read("rows/a b").data == b"1"
    assert [(item.path, item.size_bytes) for item in store.objects("rows")] == [("rows/a b", 1), ("rows/c", 2)]
    assert [item.path for item in store.objects("rows", after="rows/a b")] == ["rows/c"]
    assert store.folders() == ["rows"]
    store.delete(["rows/c", "rows/never there"])
    assert [item.path for item in store.objects()] == ["rows/a b", "top"]


def test_of_two_that_create_or_replace_one_object_one_does(store):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: store.create("lease", b"%d" % number), range(8)))
    assert sum(made) == 1
    tag = store.read("lease").tag
    with ThreadPoolExecutor(8) as pool:
        replaced = list(pool.map(lambda number: store.replace("lease", b"new %d" % number, tag=tag), range(8)))
    assert sum(replaced) == 1
    store.delete(["lease"])
    assert not store.replace("lease", b"x", tag=tag)


@pytest.mark.parametrize(
    ("how", "code", "what"), [("503", UNREACHABLE, "does not answer (503)"), ("403", REFUSED, "refuses (403)")]
)
def test_a_store_that_fails_is_one_error_with_a_hint(s3, store, how, code, what):
    s3.fail(how)
    for work in (store.objects, store.folders, lambda: store.read("x"), lambda: store.create("x", b"")):
        with pytest.raises(EnvironmentFault) as caught:
            work()
        assert caught.value.code == code
        assert what in caught.value.what
        assert caught.value.hint
    s3.fail("")
    assert store.create("x", b"")


def test_no_bucket_no_server_and_no_credentials_are_said(stored_uri, store, monkeypatch):
    with pytest.raises(EnvironmentFault, match="there is no such bucket"):
        ObjectStore("s3://nowhere/lake").objects()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    began = time.perf_counter()
    with pytest.raises(EnvironmentFault, match=r"does not answer \(no connection\)"):
        ObjectStore(stored_uri).objects()
    assert time.perf_counter() - began < 60
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(EnvironmentFault, match="no credentials were found"):
        ObjectStore(stored_uri)


def test_each_works_on_all_items_in_their_order():
    assert each(lambda item: item * 2, [3, 1, 2]) == [6, 2, 4]
    assert each(lambda item: item, []) == []


@pytest.mark.parametrize(
    ("uri", "what"), [("abfss://container", "Account must be specified"), ("abfss://container@/lake", "empty host")]
)
def test_an_address_that_names_no_store_is_said(uri, what):
    with pytest.raises(EnvironmentFault, match=f"the address cannot be used: .*{what}") as caught:
        ObjectStore(uri)
    assert caught.value.code == REFUSED
    assert "abfss://CONTAINER@ACCOUNT" in caught.value.hint
