"""Decompresses files within limits: the content of a small file can be larger than any disk."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.scratch import scratch_folder

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_BYTES = 64 * 2**30
MAX_RATIO = 500
"""The limit of uncompressed to compressed size. Ordinary tables have a ratio of 10 to 50."""
_RATIO_CHECKED_FROM_BYTES = 64 * 2**20
_BLOCK_BYTES = 2**20
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"PK\x03\x04": "zip",
}
_READ_ERRORS = (
    EOFError, OSError, lzma.LZMAError, zlib.error, zstd.ZstdError, zipfile.BadZipFile, NotImplementedError,
)  # fmt: skip


def compression_of(path: Path) -> str | None:
    """The compression of a file, from its first bytes; None where it is not compressed."""
    with path.open("rb") as file:
        head = file.read(8)
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


@contextmanager
def decompressed(path: Path, *, max_bytes: int = MAX_BYTES) -> Iterator[Path]:
    """The file itself; or, where it is compressed, a temporary file with its content, which is deleted afterwards.

    InvalidInput for a damaged file, one whose content is too large, and an archive of several files.
    """
    kind = compression_of(path)
    if kind is None or (kind == "zip" and _is_workbook(path)):
        yield path
        return
    with scratch_folder() as folder:
        target = folder / "content"
        _decompress(path, kind, target, max_bytes)
        yield target


def _decompress(path: Path, kind: str, target: Path, max_bytes: int) -> None:
    compressed_size, size = path.stat().st_size, 0
    try:
        source = _open(path, kind)
    except _READ_ERRORS as error:
        raise _damaged_error(path, kind, error) from None
    with source, target.open("wb") as file:
        while True:
            try:
                block = source.read(_BLOCK_BYTES)
            except _READ_ERRORS as error:
                raise _damaged_error(path, kind, error) from None
            if not block:
                return
            size += len(block)
            if size > max_bytes or (size > _RATIO_CHECKED_FROM_BYTES and size > MAX_RATIO * compressed_size):
                raise InvalidInput(
                    f"{compressed_size:,} bytes of {kind} grow to more than {size:,}",
                    code="compression_bomb",
                    where=str(path),
                    hint="if you trust the file, unpack it yourself and use the unpacked file",
                )
            file.write(block)


def _open(path: Path, kind: str) -> IO[bytes] | Any:
    if kind == "zip":
        return _open_only_member(path)
    if kind == "Zstandard":
        return zstd.open(path)
    if kind == "gzip":
        return gzip.open(path)
    return bz2.open(path) if kind == "bzip2" else lzma.open(path)


def _open_only_member(path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    members = [file for file in archive.infolist() if not file.is_dir() and not file.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        raise InvalidInput(
            f"contains {len(members)} files, expected one",
            code="unknown_format",
            where=str(path),
            hint="unpack it into a new folder and use the folder",
        )
    if members[0].flag_bits & 1:
        hint = "unpack it and use the unpacked file"
        raise InvalidInput("is encrypted", code="unknown_format", where=str(path), hint=hint)
    return archive.open(members[0])


def _is_workbook(path: Path) -> bool:
    """Whether a zip is the file of a spreadsheet program (.xlsx, .ods)."""
    try:
        with zipfile.ZipFile(path) as archive:
            return not {"[Content_Types].xml", "mimetype"}.isdisjoint(archive.namelist())
    except _READ_ERRORS:
        return False


def _damaged_error(path: Path, kind: str, error: Exception) -> InvalidInput:
    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InvalidInput(
        f"is damaged or cut off ({kind}: {message})",
        code="bad_file",
        where=str(path),
        hint="download or write it again, and compare the sizes",
    )
