"""Makes keys, reads them, and signs with them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256

from mlops_lab import clock
from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.files import check_writers, disk_fault, sync_folder
from mlops_lab.registry.signing.keyring import OWNER_ONLY, Algorithm, TrustedKey, private_path

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
GIVEN_KEY = "MLOPS_SIGNING_KEY"
"""The variable that holds a private key (PEM), for a machine that must not store one."""
_OWNER_FOLDER = 0o700


def make_private_key(home: Path, name: str, algorithm: Algorithm) -> TrustedKey:
    """A new key, whose private half is written into a file that only its owner may read."""
    private: PrivateKey = (
        ed25519.Ed25519PrivateKey.generate() if algorithm == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    )
    key = _describe(private.public_key(), name)
    path = private_path(home, key)
    content = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        path.parent.mkdir(mode=_OWNER_FOLDER, parents=True, exist_ok=True)
        (path.parent / ".gitignore").write_text("*\n")  # also where the project's own does not name .mlops
        with open(path, "xb", opener=lambda file, flags: os.open(file, flags, OWNER_ONLY)) as file:
            file.write(content)
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError as error:
        raise disk_fault(error, path) from error
    return key


def load_private_key(home: Path, key: TrustedKey) -> PrivateKey:
    """The private half of a key. EnvironmentFault where other users may read or write it, or it is another key's."""
    given = _read_given_key()
    if given is not None and _describe(given.public_key(), key.name).id == key.id:
        return given
    path = private_path(home, key)
    try:
        with path.open("rb") as file:
            mode = check_writers(file.fileno(), path, holds="keys", code="insecure_keys").st_mode
            content = file.read()
    except OSError as error:
        raise disk_fault(error, path) from error
    if mode & 0o077:
        raise EnvironmentFault(
            f"other users may read this private key (mode {mode & 0o777:o})",
            code="insecure_keys",
            where=str(path),
            hint=f"who has read it can sign: `mlops key create`, then `mlops key revoke {key.name}`; "
            f"if nobody has, `chmod 600 {path}`",
        )
    private = _parse_private_key(content)
    if private is not None and _describe(private.public_key(), key.name).id == key.id:
        return private
    raise EnvironmentFault(
        f"is not the private half of the key {key.name}",
        code="bad_keys",
        where=str(path),
        hint="restore it from a backup, or make another key: `mlops key create`",
    )


def describe_given_key(name: str) -> TrustedKey | None:
    """The public half of the key in the variable MLOPS_SIGNING_KEY, with a name; None where it is not set, or empty.

    InvalidInput where it holds no private key.
    """
    given = _read_given_key()
    return None if given is None else _describe(given.public_key(), name)


def _read_given_key() -> PrivateKey | None:
    content = os.environ.get(GIVEN_KEY, "").strip()
    if not content:
        return None
    private = _parse_private_key(content.encode())
    if private is None:
        raise InvalidInput(
            "holds no private key of a known kind",
            code="bad_key",
            where=GIVEN_KEY,
            hint="give it the content of a file .mlops/keys/NAME.pem, with its line ends, or unset it",
        )
    return private


def _parse_private_key(content: bytes) -> PrivateKey | None:
    try:
        private = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return private if isinstance(private.curve, ec.SECP256R1) else None
    return private if isinstance(private, ed25519.Ed25519PrivateKey) else None


def sign(private: PrivateKey, message: bytes) -> bytes:
    """The signature of a message."""
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.sign(message)
    return private.sign(message, ec.ECDSA(SHA256()))


def read_public_key(content: bytes, name: str, *, where: str) -> TrustedKey:
    """The public key in a PEM file; InvalidInput where it holds none, or one of another kind."""
    try:
        public = serialization.load_pem_public_key(content)
        if isinstance(public, PublicKey):
            return _describe(public, name)
    except (ValueError, UnsupportedAlgorithm):
        pass
    is_private = b"PRIVATE KEY" in content
    raise InvalidInput(
        "is a private key: it stays where it was made" if is_private else "is not a public key of a known kind",
        code="bad_key",
        where=where,
        hint="give it a PEM file (BEGIN PUBLIC KEY) of a key on the curve P-256, or an Ed25519 key; "
        "`mlops key show NAME` prints that of a project",
    )


def to_pem(key: TrustedKey) -> str:
    """The public key as PEM text."""
    return _to_pem(_load_public(key)).decode()


def _load_public(key: TrustedKey) -> PublicKey:
    content = bytes.fromhex(key.public_key)
    if key.algorithm == "ed25519":
        return ed25519.Ed25519PublicKey.from_public_bytes(content)
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), content)


def _to_pem(public: PublicKey) -> bytes:
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _describe(public: PublicKey, name: str) -> TrustedKey:
    if isinstance(public, ed25519.Ed25519PublicKey):
        algorithm: Algorithm = "ed25519"
        content = public.public_bytes_raw()
    elif isinstance(public.curve, ec.SECP256R1):
        algorithm = "p256"
        content = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    else:
        raise ValueError("another curve")
    return TrustedKey(
        name=name,
        id=hashlib.sha256(_to_pem(public)).hexdigest(),
        algorithm=algorithm,
        public_key=content.hex(),
        added_at=clock.now().replace(microsecond=0),
    )
