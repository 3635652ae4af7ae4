"""Identifiers and content hashes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from typing import Any


def new_id() -> str:
    """A fresh identifier for a prediction whose client gave none."""
    return os.urandom(16).hex()


def hash_bytes(parts: Iterable[bytes]) -> str:
    """SHA-256, in hex, of the parts, each preceded by its length so that no two lists of parts collide."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def hash_json(value: Any) -> str:
    """SHA-256, in hex, of a JSON value; key order does not matter."""
    return hash_bytes([json.dumps(value, sort_keys=True, separators=(",", ":")).encode()])
