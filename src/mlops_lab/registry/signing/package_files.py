"""The files of a package, read once. Where the project signs, all of them are read and checked before any is used, and
what is used is what was checked: no file is opened again.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.signing.bundle import IGNORED, SIGNATURE_FILE, SignedManifest, digest_files, read_bundle
from mlops_lab.registry.signing.keyring import TrustedKey, read_keys

MAX_BYTES = 2 << 30
"""The largest file that is read."""
SIGNATURE_CODES = frozenset({"unsigned_package", "bad_signature", "unknown_key", "revoked_key"})
"""The codes of errors that a signature can mend."""
_ROLL_BACK = "restore the folder, or go back to the version before, if there is one: `mlops rollback`"
_SIGN = "if you know who made it, `mlops key sign VERSION`; else restore the folder from a backup"


@dataclass(frozen=True)
class PackageFiles:
    """The files of the package in `path`. `checked`: their contents, where the project signs; then `key` has signed
    them."""

    path: Path
    checked: Mapping[str, bytes] | None = None
    key: TrustedKey | None = None

    def read(self, name: str) -> bytes:
        """The content of a file; EnvironmentFault where it is missing, or no regular file."""
        if self.checked is None:
            return read_regular_file(self.path, name)
        if name not in self.checked:
            raise _missing(self.path / name, "it is not there")
        return self.checked[name]

    def names(self) -> list[str]:
        """The names of all files, relative to the folder; without the signature."""
        return sorted(self.checked or (name for name in list_files(self.path) if name not in IGNORED))


def open_files(path: Path, *, home: Path | None) -> PackageFiles:
    """The files of a package. `home` is the `.mlops` of the project that uses it.

    Where that project signs, EnvironmentFault unless a key that it trusts has signed exactly these files.
    """
    keys = read_keys(home) if home is not None else None
    if keys is None:
        return PackageFiles(path)
    manifest = _read_manifest(path)
    key = _find_signer(manifest, keys, path)
    names = [name for name in list_files(path) if name not in IGNORED]
    if added := sorted({*names} - manifest.digests.keys()):
        raise _changed(path / added[0], "is not part of the package that was signed")
    if missing := sorted(manifest.digests.keys() - {*names}):
        raise _missing(path / missing[0], "it was signed, and is not there")
    contents = {name: read_regular_file(path, name) for name in names}
    for name, digest in digest_files(contents).items():
        if manifest.digests[name] != digest:
            raise _changed(path / name, "is not what was signed: it was changed")
    return PackageFiles(path, contents, key)


def list_files(folder: Path, prefix: str = "") -> Iterator[str]:
    """The names of all files below a folder, relative to it; EnvironmentFault at a symbolic link."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise _missing(folder, error.strerror or "") from None
    for entry in entries:
        if entry.is_symlink():
            raise _not_regular(Path(entry.path), "is a symbolic link")
        if entry.is_dir(follow_symlinks=False):
            yield from list_files(Path(entry.path), f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name


def read_regular_file(folder: Path, name: str) -> bytes:
    """The content of a file; EnvironmentFault where it is missing, too large, a link, or a device that never ends."""
    path = folder / name
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _not_regular(path, "is a symbolic link") from None
        raise _missing(path, error.strerror or "") from None
    with os.fdopen(file, "rb") as opened:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise _not_regular(path, "is no regular file")
        if status.st_size > MAX_BYTES:
            raise _not_regular(path, f"has {status.st_size:,} bytes, and {MAX_BYTES:,} are allowed")
        return opened.read(status.st_size)


def _read_manifest(path: Path) -> SignedManifest:
    if not path.is_dir():
        raise _missing(path, "there is no such folder")
    if not os.path.lexists(path / SIGNATURE_FILE):
        raise EnvironmentFault(
            "is not signed, and this project uses only packages that a key it trusts has signed",
            code="unsigned_package",
            where=str(path),
            hint=_SIGN,
        )
    try:
        return read_bundle(read_regular_file(path, SIGNATURE_FILE))
    except ValueError as error:  # msgspec's are ValueErrors, too
        raise EnvironmentFault(
            f"is not a signature of a package: {error}",
            code="bad_signature",
            where=str(path / SIGNATURE_FILE),
            hint=_SIGN,
        ) from None


def _find_signer(manifest: SignedManifest, keys: list[TrustedKey], path: Path) -> TrustedKey:
    """The trusted key that made the signature."""
    key = next((key for key in keys if key.id == manifest.key_id), None)
    if key is None:
        what = f"was signed with a key that this project does not trust ({manifest.key_id[:16]})"
        hint = (
            "if you know whose it is, `mlops key trust FILE` with their public key; else restore a backup of the folder"
        )
        raise EnvironmentFault(what, code="unknown_key", where=str(path), hint=hint)
    if key.revoked_at is not None:
        what = f"was signed with the key {key.name}, which was revoked on {key.revoked_at:%Y-%m-%d}"
        raise EnvironmentFault(what, code="revoked_key", where=str(path), hint=_SIGN)
    from mlops_lab.registry.signing.algorithms import is_signed_by  # cryptography: only where there is a signature

    if not is_signed_by(key, manifest.message, manifest.signature):
        what = f"its signature is not one of the key {key.name}: it was changed"
        raise EnvironmentFault(what, code="bad_signature", where=str(path), hint=_SIGN)
    return key


def _changed(path: Path, what: str) -> EnvironmentFault:
    return EnvironmentFault(what, code="package_changed", where=str(path), hint=_ROLL_BACK)


def _missing(path: Path, why: str) -> EnvironmentFault:
    return EnvironmentFault(f"cannot be read: {why}", code="package_missing", where=str(path), hint=_ROLL_BACK)


def _not_regular(path: Path, what: str) -> EnvironmentFault:
    return EnvironmentFault(what, code="bad_package", where=str(path), hint=_ROLL_BACK)
