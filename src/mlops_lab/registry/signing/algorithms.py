"""Checks signatures: ECDSA on the curve P-256, and Ed25519. Imports no more of cryptography than that takes (10 ms)."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256

from mlops_lab.registry.signing.keyring import TrustedKey


def is_signed_by(key: TrustedKey, message: bytes, signature: bytes) -> bool:
    """Whether the owner of the key has signed the message."""
    public = bytes.fromhex(key.public_key)
    try:
        if key.algorithm == "ed25519":
            ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        else:
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
            point.verify(signature, message, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
