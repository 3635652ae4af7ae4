"""Files at `https://` and `s3://` addresses: downloaded once, and again only after the server's copy has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

import msgspec

from mlops_lab.clock import now
from mlops_lab.errors import EnvironmentFault, InvalidInput, MlopsError
from mlops_lab.files import write_atomically
from mlops_lab.ids import new_id
from mlops_lab.lake.remote_http import open_http
from mlops_lab.lake.remote_s3 import open_s3
from mlops_lab.lake.scratch import scratch_folder

MAX_BYTES = 16 * 2**30
_BLOCK_BYTES = 2**20
_DEAD_AFTER_SECONDS = 3600
"""A part that was not written to for so long: a download gives up when a server is silent for far less."""
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class Content(Protocol):
    """A file on a server that is being read."""

    etag: str
    """What changes with the content; "" where the server tells none."""
    size_bytes: int | None

    def read(self, size: int) -> bytes:
        """The next bytes; none at the end."""

    def close(self) -> None:
        """Give the connection back."""


class _Stored(msgspec.Struct, frozen=True):
    """What is known of a downloaded file: the server's etag, and the size and the SHA-256 of its bytes."""

    etag: str
    size_bytes: int
    sha256: str


class _Place(NamedTuple):
    file: Path
    record: Path


def is_remote(data: str) -> bool:
    """Whether the text is the address of a file on a server."""
    return data.lower().startswith(("https://", "http://", "s3://"))


def mask_address(address: str) -> str:
    """The address without user, password and query, in which there may be a signature; a path as it is."""
    if not is_remote(address):
        return address
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@contextmanager
def downloaded(address: str, *, cache: Path | None = None, max_bytes: int = MAX_BYTES) -> Iterator[Path]:
    """The path of a local copy of the file at the address. Errors in the block name the address, not the copy.

    With `cache`, a folder, the copy is kept there: the next time, the server is asked only whether its etag is still
    the same. Without, it is deleted afterwards.

    InvalidInput for an address that is wrong, a file that does not exist or is larger than `max_bytes`;
    EnvironmentFault where the server cannot be reached, refuses or breaks off.
    None of them shows a password or a signature.
    """
    shown = mask_address(address)
    _check_address(address, shown)
    with scratch_folder() as folder:
        place = _choose_place(address, cache or folder)
        _bring(address, shown, place, max_bytes)
        try:
            yield place.file
        except MlopsError as error:
            error.where = error.where and error.where.replace(str(place.file), shown)
            raise


def drop_downloads(folder: Path, *, keep: Iterable[str]) -> None:
    """Delete the copies of all addresses but these, and what downloads that were killed have left."""
    if not folder.is_dir():
        return
    kept = {path.name for address in keep if is_remote(address) for path in _choose_place(address, folder)}
    oldest = now().timestamp() - _DEAD_AFTER_SECONDS
    for path in folder.iterdir():
        is_part = path.suffix in {".part", ".new"}  # of a download, or of the record about it
        with suppress(FileNotFoundError):  # another process has just ended its download, or deleted it
            if path.stat().st_mtime < oldest if is_part else path.name not in kept:
                path.unlink()


def _check_address(address: str, shown: str) -> None:
    parts = urlsplit(address)
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(
            "contains a user or a password, which everybody who reads the file can see",
            code="password_in_uri",
            where=shown,
            hint="remove it: put it into ~/.netrc (https), or use the environment or profile of AWS (s3)",
        )
    if parts.scheme.lower() == "http" and parts.hostname not in _LOOPBACK:
        raise InvalidInput(
            "is not encrypted: anybody on the way could read and change the data",
            code="not_encrypted",
            where=shown,
            hint=f"use https://{shown.partition('://')[2]}, or download the file and name it",
        )
    if not parts.hostname or parts.path.endswith("/") or not parts.path:
        hint = "name one file, such as https://host/orders.csv or s3://bucket/orders.parquet"
        raise InvalidInput("is not the address of a file", code="bad_uri", where=shown, hint=hint)


def _choose_place(address: str, folder: Path) -> _Place:
    """The copy's path, whose suffix is that of the address, and that of the record about it."""
    key = hashlib.sha256(address.encode()).hexdigest()[:16]
    suffix = PurePosixPath(unquote(urlsplit(address).path)).suffix
    suffix = suffix if suffix[1:].isalnum() else ""
    return _Place(folder / f"{key}{suffix}", folder / f"{key}.json")


def _bring(address: str, shown: str, place: _Place, max_bytes: int) -> None:
    """Have the file's content at the place."""
    stored = _read_record(place)
    opener = open_s3 if address.lower().startswith("s3:") else open_http
    content = opener(address, shown, etag=stored.etag if stored else "")
    if content is None:  # it has not changed
        return
    place.file.parent.mkdir(parents=True, exist_ok=True)
    part = place.file.with_name(f".{place.file.name}.{new_id()[:8]}.part")
    try:
        record = _copy(content, part, shown, max_bytes)
        place.record.unlink(missing_ok=True)  # a kill here leaves a file without a record: it is fetched anew
        part.replace(place.file)
        write_atomically(place.record, msgspec.json.encode(record))
    finally:
        content.close()
        part.unlink(missing_ok=True)


def _read_record(place: _Place) -> _Stored | None:
    """The record of a copy that is still what was downloaded, and of which the server told an etag."""
    try:
        record = msgspec.json.decode(place.record.read_bytes(), type=_Stored)
        is_whole = place.file.stat().st_size == record.size_bytes
    except (OSError, msgspec.MsgspecError):
        return None
    return record if is_whole and record.etag and _sha256_of(place.file) == record.sha256 else None


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(content: Content, target: Path, shown: str, max_bytes: int) -> _Stored:
    if content.size_bytes is not None and content.size_bytes > max_bytes:
        raise _too_large_error(shown, max_bytes)
    size, digest = 0, hashlib.sha256()
    with target.open("wb") as file:
        while block := content.read(_BLOCK_BYTES):
            size += len(block)
            if size > max_bytes:
                raise _too_large_error(shown, max_bytes)
            digest.update(block)
            file.write(block)
    if content.size_bytes is not None and size != content.size_bytes:
        what = f"broke off after {size:,} of {content.size_bytes:,} bytes"
        raise EnvironmentFault(what, code="download_failed", where=shown, hint="run it again; nothing was changed")
    return _Stored(content.etag, size, digest.hexdigest())


def _too_large_error(shown: str, max_bytes: int) -> InvalidInput:
    return InvalidInput(
        f"is larger than {max_bytes / 2**30:,.3g} GiB",
        code="file_too_large",
        where=shown,
        hint="download it yourself, and name the file",
    )
