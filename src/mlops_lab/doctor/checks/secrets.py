"""Keys and tokens: who may read them, who may write them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mlops_lab.doctor.check import Check, Finding, Patient, fail, off, ok, warn
from mlops_lab.files import check_writers
from mlops_lab.registry.signing.keyring import PRIVATE_FOLDER, private_path, read_keys

_OTHERS = 0o077


def look_at_keys(patient: Patient) -> Finding:
    """The keys that the project trusts, and whether only their owner may read the private ones."""
    keys = read_keys(patient.home)
    if keys is None:
        return off("packages are not signed", "`mlops key create` makes a key; from then on they are")
    if readable := _readable_by_others((patient.home / PRIVATE_FOLDER).glob("*.pem")):
        hint = f"`chmod 600 {readable[0]}`; if somebody may have read it, `mlops key create` and `mlops key revoke`"
        return fail(f"other users may read the private key {readable[0]}", hint)
    trusted = [key for key in keys if key.revoked_at is None]
    private = [key for key in trusted if private_path(patient.home, key).is_file()]
    if not trusted:
        return fail("all keys are revoked: no package is trusted", "`mlops key create`, then `mlops key sign VERSION`")
    seen = f"{len(trusted)} trusted, {len(private)} of them with its private half here"
    return ok(seen)


def look_at_tokens(patient: Patient) -> Finding:
    """Who may read and write the files of the server's tokens."""
    local, stored = patient.home / "token", patient.home / "tokens.json"
    there = [path for path in (local, stored) if path.is_file()]
    if not there:
        return off("no token yet", "the server makes its own; `mlops token create` makes more")
    for path in there:
        with path.open("rb") as file:
            check_writers(file.fileno(), path, holds="tokens", code="insecure_tokens")
    if _readable_by_others([local] if local.is_file() else []):
        hint = f"`chmod 600 {local}`; if somebody may have read it, `mlops token revoke local` makes another"
        return warn("other users may read the local token", hint)
    return ok("only their owner may read and write them")


def _readable_by_others(paths: Iterable[Path]) -> list[Path]:
    return [path for path in sorted(paths) if path.stat().st_mode & _OTHERS]


KEYS = Check(
    name="keys",
    looks_at="the keys that sign packages: which are trusted, who may read the private ones",
    needs="folder",
    look=look_at_keys,
)
TOKENS = Check(
    name="tokens",
    looks_at="who may read and write the files of the server's tokens",
    needs="folder",
    look=look_at_tokens,
)
