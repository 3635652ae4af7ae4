"""The format of OpenSSF Model Signing; `tests/tools/test_model_signing.py` has its own command line check it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from mlops_lab.registry.signing.bundle import (
    digest_files,
    read_bundle,
    signed_bytes,
    write_bundle,
    write_statement,
)

DIGESTS = digest_files({"b/c": b"1", "a": b"2", "b.txt": b"3"})


def make_bundle(change: Callable[[dict[str, Any]], object] = lambda _: None) -> bytes:
    """A bundle, of which the statement was changed."""
    statement = json.loads(write_statement("model", DIGESTS))
    change(statement)
    return write_bundle(json.dumps(statement).encode(), b"signature", key_id="id")


def test_a_bundle_reads_back() -> None:
    statement = write_statement("model", DIGESTS)
    manifest = read_bundle(write_bundle(statement, b"signature", key_id="id"))
    assert (manifest.digests, manifest.signature, manifest.key_id) == (DIGESTS, b"signature", "id")
    assert manifest.message == signed_bytes(statement)
    assert signed_bytes(b"{}") == b"DSSEv1 28 application/vnd.in-toto+json 2 {}"


def test_the_statement_names_files_in_the_order_of_their_paths() -> None:
    statement = json.loads(write_statement("model", DIGESTS))
    assert [resource["name"] for resource in statement["predicate"]["resources"]] == ["a", "b/c", "b.txt"]
    assert statement["predicate"]["serialization"]["ignore_paths"] == ["model.sig", "registered_model_meta"]
    assert "model.sig" not in digest_files({"model.sig": b""})


def test_the_payload_is_base64_of_the_statement() -> None:
    statement = write_statement("model", DIGESTS)
    bundle = json.loads(write_bundle(statement, b"signature", key_id="id"))
    assert base64.b64decode(bundle["dsseEnvelope"]["payload"]) == statement
    assert bundle["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"


CONTRADICTIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "another type": lambda s: s.update(_type="x"),
    "another predicate": lambda s: s.update(predicateType="https://model_signing/Digests/v0.1"),
    "two subjects": lambda s: s["subject"].append(s["subject"][0]),
    "no subject": lambda s: s["subject"].clear(),
    "another subject": lambda s: s["subject"][0]["digest"].update(sha256="00"),
    "a file twice": lambda s: s["predicate"]["resources"].append(s["predicate"]["resources"][0]),
    "links": lambda s: s["predicate"]["serialization"].update(allow_symlinks=True),
    "parts of files": lambda s: s["predicate"]["serialization"].update(method="shards"),
    "another hash": lambda s: s["predicate"]["resources"][0].update(algorithm="md5"),
    "no hash": lambda s: s["predicate"]["resources"][0].update(digest="not hex"),
}


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_a_statement_of_another_kind_is_not_read(what: str) -> None:
    assert read_bundle(make_bundle()).digests == DIGESTS
    with pytest.raises(ValueError, match=r"."):
        read_bundle(make_bundle(CONTRADICTIONS[what]))


@pytest.mark.parametrize("signatures", [[], [{"sig": "AA=="}, {"sig": "AA=="}]])
def test_a_bundle_has_one_signature(signatures: list[dict[str, str]]) -> None:
    bundle = json.loads(make_bundle())
    bundle["dsseEnvelope"]["signatures"] = signatures
    with pytest.raises(ValueError, match="one signature"):
        read_bundle(json.dumps(bundle).encode())
