"""The keys of a project: the public ones that it trusts, in one file. Light: no cryptography.

A project signs, and refuses packages that no trusted key has signed, as soon as this file is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from mlops_lab.errors import EnvironmentFault
from mlops_lab.files import check_writers, disk_fault, locked, sync_folder, write_atomically

Algorithm = Literal["p256", "ed25519"]
PRIVATE_FOLDER = "keys"
OWNER_ONLY = 0o600


class TrustedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key: its name here, its id (SHA-256 of its PEM text, as in signatures), the point or bytes of the key in
    hex, since when it is trusted, and since when it is not any more."""

    name: str
    id: str
    algorithm: Algorithm
    public_key: str
    added_at: datetime
    revoked_at: datetime | None = None


class _KeyFile(msgspec.Struct, frozen=True):
    keys: list[TrustedKey]
    format: Literal[1] = 1


def keys_path(home: Path) -> Path:
    """The file of the public keys. `home`: the folder `.mlops` of a project."""
    return home / "keys.json"


def private_path(home: Path, key: TrustedKey) -> Path:
    """Where the private half of a key is, if it was made here."""
    return home / PRIVATE_FOLDER / f"{key.name}.pem"


def read_keys(home: Path) -> list[TrustedKey] | None:
    """All keys, revoked ones too, the oldest first; None where the project does not sign.

    EnvironmentFault where others may write the file (they could trust a key of their own), or it is damaged.
    """
    path = keys_path(home)
    try:
        with path.open("rb") as file:
            check_writers(file.fileno(), path, holds="keys", code="insecure_keys")
            content = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise disk_fault(error, path) from error
    try:
        return msgspec.json.decode(content, type=_KeyFile).keys
    except msgspec.DecodeError as error:
        raise EnvironmentFault(
            f"is not a file of keys that this release reads: {error}",
            code="bad_keys",
            where=str(path),
            hint="restore it from a backup, or upgrade mlops-lab; without it no package can be checked",
        ) from None


def write_keys(home: Path, keys: Iterable[TrustedKey]) -> None:
    """Replace the file. Only with the lock held."""
    path = keys_path(home)
    try:
        write_atomically(path, msgspec.json.format(msgspec.json.encode(_KeyFile([*keys]))), mode=OWNER_ONLY)
        sync_folder(path.parent)  # else a power cut brings back a key that was revoked
    except OSError as error:
        raise disk_fault(error, path) from error


@contextmanager
def lock_keys(home: Path) -> Iterator[None]:
    """Nobody else changes the keys meanwhile."""
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_fault(error, home) from error
    with locked(home / "keys.lock"):
        yield
