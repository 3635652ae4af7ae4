"""The format of a signature: OpenSSF Model Signing 1.0. A bundle of Sigstore holds a DSSE envelope with an in-toto
statement, which names each file of the package and its SHA-256.

https://github.com/sigstore/model-transparency, https://github.com/secure-systems-lab/dsse
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal

import msgspec

SIGNATURE_FILE = "model.sig"
IGNORED = (SIGNATURE_FILE, "registered_model_meta")
"""What a signature does not cover: itself, and what MLflow writes into a package of which it loads the model. Nothing
here reads either."""
_PAYLOAD_TYPE: Literal["application/vnd.in-toto+json"] = "application/vnd.in-toto+json"


class _Resource(msgspec.Struct, frozen=True):
    name: str
    algorithm: Literal["sha256"]
    digest: str


class _Serialization(msgspec.Struct, frozen=True):
    method: Literal["files"] = "files"
    hash_type: Literal["sha256"] = "sha256"
    allow_symlinks: bool = False
    ignore_paths: list[str] = []


class _Predicate(msgspec.Struct, frozen=True):
    resources: list[_Resource]
    serialization: _Serialization


class _Digest(msgspec.Struct, frozen=True):
    sha256: str


class _Subject(msgspec.Struct, frozen=True):
    name: str
    digest: _Digest


class _Statement(msgspec.Struct, frozen=True, kw_only=True):
    type: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(
        name="_type", default="https://in-toto.io/Statement/v1"
    )
    subject: list[_Subject]
    predicate_type: Literal["https://model_signing/signature/v1.0"] = msgspec.field(
        name="predicateType", default="https://model_signing/signature/v1.0"
    )
    predicate: _Predicate


class _Signature(msgspec.Struct, frozen=True):
    sig: bytes
    keyid: str = ""


class _Envelope(msgspec.Struct, frozen=True, rename="camel"):
    payload: bytes
    payload_type: Literal["application/vnd.in-toto+json"]
    signatures: list[_Signature]


class _KeyHint(msgspec.Struct, frozen=True):
    hint: str


class _Material(msgspec.Struct, frozen=True, rename="camel"):
    public_key: _KeyHint
    tlog_entries: list[msgspec.Raw] = []


class _Bundle(msgspec.Struct, frozen=True, rename="camel"):
    media_type: Literal["application/vnd.dev.sigstore.bundle.v0.3+json"]
    verification_material: _Material
    dsse_envelope: _Envelope


class SignedManifest(msgspec.Struct, frozen=True):
    """What a signature says: the files by name with their SHA-256, the bytes that were signed, the signature, and the
    id of the key."""

    digests: dict[str, str]
    message: bytes
    signature: bytes
    key_id: str


def digest_files(files: Mapping[str, bytes]) -> dict[str, str]:
    """The SHA-256 of each file that a signature covers, by name."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name not in IGNORED}


def write_statement(name: str, digests: Mapping[str, str]) -> bytes:
    """The statement about a package of that name."""
    ordered = sorted(digests.items(), key=lambda item: item[0].split("/"))
    resources = [_Resource(name, "sha256", digest) for name, digest in ordered]
    statement = _Statement(
        subject=[_Subject(name, _Digest(_root_digest(resources)))],
        predicate=_Predicate(resources, _Serialization(ignore_paths=[*IGNORED])),
    )
    return msgspec.json.encode(statement)


def signed_bytes(statement: bytes) -> bytes:
    """What is signed for a statement: DSSE puts the type and the lengths before it."""
    return b"DSSEv1 %d %s %d %s" % (len(_PAYLOAD_TYPE), _PAYLOAD_TYPE.encode(), len(statement), statement)


def write_bundle(statement: bytes, signature: bytes, *, key_id: str) -> bytes:
    """The content of the signature file."""
    bundle = _Bundle(
        "application/vnd.dev.sigstore.bundle.v0.3+json",
        _Material(_KeyHint(key_id)),
        _Envelope(statement, _PAYLOAD_TYPE, [_Signature(signature)]),
    )
    return msgspec.json.encode(bundle)


def read_bundle(content: bytes) -> SignedManifest:
    """What a signature file says; nothing is checked yet. ValueError where it is none, or contradicts itself."""
    bundle = msgspec.json.decode(content, type=_Bundle)
    envelope = bundle.dsse_envelope
    statement = msgspec.json.decode(envelope.payload, type=_Statement)
    resources = statement.predicate.resources
    digests = {resource.name: resource.digest for resource in resources}
    if len(envelope.signatures) != 1 or len(statement.subject) != 1 or len(digests) != len(resources):
        raise ValueError("it needs one signature, one subject, and each file once")
    if statement.predicate.serialization.allow_symlinks:
        raise ValueError("it allows symbolic links")
    if statement.subject[0].digest.sha256 != _root_digest(resources):
        raise ValueError("its files are not those of its subject")
    message = signed_bytes(envelope.payload)
    return SignedManifest(digests, message, envelope.signatures[0].sig, bundle.verification_material.public_key.hint)


def _root_digest(resources: list[_Resource]) -> str:
    return hashlib.sha256(b"".join(bytes.fromhex(resource.digest) for resource in resources)).hexdigest()
