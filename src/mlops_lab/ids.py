"""Identifiers and content hashes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from typing import Any


def new_id() -> str:
    """A fresh identifier: 32 hexadecimal digits."""
    return new_ids(1)[0]


def new_ids(number: int) -> list[str]:
    """Fresh identifiers, `number` of them."""
    digits = os.urandom(16 * number).hex()
    return [digits[start : start + 32] for start in range(0, len(digits), 32)]


def hash_bytes(parts: Iterable[bytes]) -> str:
    """SHA-256, in hex, of the parts, each preceded by its length so that no two lists of parts collide."""
    return hash_pieces((len(part), [part]) for part in parts)


def hash_pieces(parts: Iterable[tuple[int, Iterable[bytes]]]) -> str:
    """The same of parts that come in pieces: the bytes of each part, and its pieces."""
    digest = hashlib.sha256()
    for length, pieces in parts:
        digest.update(length.to_bytes(8, "little"))
        for piece in pieces:
            digest.update(piece)
    return digest.hexdigest()


def hash_json(value: Any) -> str:
    """SHA-256, in hex, of a JSON value; key order does not matter."""
    return hash_bytes([json.dumps(value, sort_keys=True, separators=(",", ":")).encode()])
