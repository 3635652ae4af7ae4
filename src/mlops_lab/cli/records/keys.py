"""Keys that sign packages, as the commands print them with `--json`."""

from __future__ import annotations

from msgspec import Struct


class KeyRecord(Struct, frozen=True, kw_only=True):
    """A key: its name, id and algorithm, whether its private half is here, since when it is trusted, since when not."""

    name: str
    id: str
    algorithm: str
    is_own: bool
    added_at: str
    revoked_at: str | None


class KeyList(Struct, frozen=True, kw_only=True):
    """`mlops key list`: the keys, the oldest first; `signs_with` is the name of the one that signs new versions.
    `is_signing`: whether packages without a signature are refused."""

    schema_version: int = 1
    is_signing: bool
    signs_with: str | None
    keys: list[KeyRecord]


class ShownKey(Struct, frozen=True, kw_only=True):
    """`mlops key show`: a key, and its public half as PEM text."""

    schema_version: int = 1
    key: KeyRecord
    pem: str


class SignedRecord(Struct, frozen=True, kw_only=True):
    """`mlops key create`, `mlops key sign`: the key, the versions that it has signed, and by version why not."""

    schema_version: int = 1
    key: KeyRecord
    signed: list[int]
    left_out: dict[str, str]


class TrustedRecord(Struct, frozen=True, kw_only=True):
    """`mlops key trust`: the key that is trusted now."""

    schema_version: int = 1
    key: KeyRecord


class RevokedKeyRecord(Struct, frozen=True, kw_only=True):
    """`mlops key revoke`: the key, and the live versions that are not loaded any more because it has signed them."""

    schema_version: int = 1
    key: KeyRecord
    refused: list[int]
