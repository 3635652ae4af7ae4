"""Signs packages, and changes which keys a project has."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from mlops_lab import clock
from mlops_lab.errors import Conflict, EnvironmentFault, InvalidInput, NotFound
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.registry.signing.bundle import (
    IGNORED,
    SIGNATURE_FILE,
    digest_files,
    signed_bytes,
    write_bundle,
    write_statement,
)
from mlops_lab.registry.signing.keyring import (
    Algorithm,
    TrustedKey,
    lock_keys,
    private_path,
    read_keys,
    write_keys,
)
from mlops_lab.registry.signing.package_files import list_files, read_regular_file
from mlops_lab.registry.signing.private_keys import (
    GIVEN_KEY,
    describe_given_key,
    load_private_key,
    make_private_key,
    read_public_key,
    sign,
)

DEFAULT_NAME = "project"
DEFAULT_ALGORITHM: Algorithm = "p256"
"""The command line of OpenSSF Model Signing checks ECDSA only."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def sign_package(path: Path, key: TrustedKey, *, home: Path) -> None:
    """Sign all files of a package as they are, in place of a signature before."""
    names = [name for name in list_files(path) if name not in IGNORED]
    statement = write_statement(path.name, digest_files({name: read_regular_file(path, name) for name in names}))
    signature = sign(load_private_key(home, key), signed_bytes(statement))
    try:
        write_atomically(path / SIGNATURE_FILE, write_bundle(statement, signature, key_id=key.id))
    except OSError as error:
        raise disk_fault(error, path / SIGNATURE_FILE) from error


def key_for_version(home: Path, *, is_first: bool) -> TrustedKey | None:
    """The key that signs a new version; None where the project does not sign. The first version of a project makes the
    project's first key.

    EnvironmentFault where the project signs, but has no key to sign with.
    """
    keys = read_keys(home)
    if keys is None:
        return ensure_key(home) if is_first else None
    given = describe_given_key(DEFAULT_NAME)
    if given is not None and given.id not in {key.id for key in keys}:
        return create_key(home, None, given.algorithm)
    return need_signing_key(home, keys)


def find_signing_key(home: Path, keys: Sequence[TrustedKey]) -> TrustedKey | None:
    """The key that signs, of those that are not revoked: the one in the variable MLOPS_SIGNING_KEY, else the newest one
    that was made here."""
    given = describe_given_key(DEFAULT_NAME)
    own = [
        key
        for key in keys
        if key.revoked_at is None and (private_path(home, key).is_file() if given is None else key.id == given.id)
    ]
    return own[-1] if own else None


def need_signing_key(home: Path, keys: Sequence[TrustedKey]) -> TrustedKey:
    """The key that signs; EnvironmentFault where there is none."""
    key = find_signing_key(home, keys)
    if key is None and describe_given_key(DEFAULT_NAME) is not None:
        raise EnvironmentFault(
            "holds a key that this project does not trust, or trusts no more",
            code="no_signing_key",
            where=GIVEN_KEY,
            hint="`mlops key list` shows those it trusts; `mlops key create` takes this one, if it was not revoked",
        )
    if key is None:
        raise EnvironmentFault(
            "this project uses only signed packages, and has no key to sign with",
            code="no_signing_key",
            where=str(home),
            hint="`mlops key create` makes one",
        )
    return key


def ensure_key(home: Path) -> TrustedKey:
    """The key that signs; the project's first one is made where it has none."""
    with lock_keys(home):
        keys = read_keys(home)
        if keys is not None:
            return need_signing_key(home, keys)
        key = describe_given_key(DEFAULT_NAME) or _make(home, DEFAULT_NAME, DEFAULT_ALGORITHM)
        write_keys(home, [key])
        return key


def create_key(
    home: Path,
    name: str | None,
    algorithm: Algorithm,
    *,
    before_first: Callable[[TrustedKey], None] = lambda _: None,
) -> TrustedKey:
    """A new key, which signs from now on; the others stay trusted. The key in MLOPS_SIGNING_KEY, where that is set.

    `before_first` is called with the first key of a project just before packages without a signature are refused.
    """
    with lock_keys(home):
        keys = read_keys(home)
        taken = {key.name for key in keys or ()}
        name = _free_name(taken) if name is None else name
        _check_name(name, taken)
        key = describe_given_key(name) or _make(home, name, algorithm)
        same = next((other for other in keys or () if other.id == key.id), None)
        if same is not None:
            what = "is revoked" if same.revoked_at else "is trusted already"
            raise Conflict(f"{what}, as {same.name}", code="key_exists", where=GIVEN_KEY, hint="`mlops key list`")
        if keys is None:
            before_first(key)
        write_keys(home, [*(keys or ()), key])
    return key


def trust_key(home: Path, content: bytes, name: str, *, where: str) -> TrustedKey:
    """Trust packages that the owner of a public key (PEM) signs; a key that was revoked is trusted again."""
    with lock_keys(home):
        keys = read_keys(home)
        if keys is None:
            raise Conflict(
                "this project does not sign yet: its own packages would be refused",
                code="no_signing_key",
                where=str(home),
                hint="`mlops key create` first: it signs the versions that are here",
            )
        key = read_public_key(content, name, where=where)
        same = next((other for other in keys if other.id == key.id), None)
        if same is not None and same.revoked_at is None:
            raise Conflict(
                f"is trusted already, as {same.name}", code="key_exists", where=where, hint="`mlops key list`"
            )
        if same is not None:
            key = replace(same, revoked_at=None)
        else:
            _check_name(name, {other.name for other in keys})
        write_keys(home, [*(other for other in keys if other.id != key.id), key])
    return key


def revoke_key(home: Path, name: str) -> TrustedKey:
    """Trust a key no more. Its private half is deleted, if it is here."""
    with lock_keys(home):
        keys = read_keys(home) or []
        key = find_key(keys, name)
        if key.revoked_at is not None:
            raise Conflict(f"{name} is revoked already", code="key_revoked", where="NAME", hint="`mlops key list`")
        revoked = replace(key, revoked_at=clock.now().replace(microsecond=0))
        write_keys(home, [revoked if other.name == name else other for other in keys])
        private_path(home, key).unlink(missing_ok=True)
    return revoked


def find_key(keys: Sequence[TrustedKey], name: str) -> TrustedKey:
    """The key with that name; NotFound."""
    key = next((key for key in keys if key.name == name), None)
    if key is None:
        raise NotFound(f'there is no key named "{name}"', code="unknown_key", where="NAME", hint="`mlops key list`")
    return key


def _make(home: Path, name: str, algorithm: Algorithm) -> TrustedKey:
    (home / "keys" / f"{name}.pem").unlink(missing_ok=True)  # left over by a process that was killed before the end
    return make_private_key(home, name, algorithm)


def _free_name(taken: set[str]) -> str:
    names = [DEFAULT_NAME, *(f"{DEFAULT_NAME}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _check_name(name: str, taken: set[str]) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f'"{name}" cannot be the name of a key',
            code="bad_key_name",
            where="--name",
            hint='letters, digits, ".", "_" and "-", at most 64',
        )
    if name in taken:
        raise Conflict(f'there is a key named "{name}"', code="key_exists", where="--name", hint="choose another name")
