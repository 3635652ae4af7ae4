"""Compressed files, unpacked as a stream and within limits: a small file may hold more than any disk."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mlops_lab.errors import InvalidInput

MAX_BYTES = 64 * 2**30
MAX_RATIO = 500
"""Ordinary tables shrink to a tenth or a fiftieth; what shrinks more was made to."""
_RATIO_COUNTS_FROM = 64 * 2**20
_BLOCK = 2**20
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"PK\x03\x04": "zip",
}
_DAMAGED = (EOFError, OSError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, NotImplementedError)


def compression_of(path: Path) -> str | None:
    """How a file is compressed, by its first bytes; None where it is not."""
    with path.open("rb") as file:
        head = file.read(8)
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


@contextmanager
def unpacked(path: Path, *, max_bytes: int = MAX_BYTES) -> Iterator[Path]:
    """The file itself, or, where it is compressed, a temporary file with what is in it, gone afterwards.

    InvalidInput for a damaged file, one that grows beyond all measure, and an archive of several files.
    """
    kind = compression_of(path)
    if kind is None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="mlops-") as folder:
        target = Path(folder) / "unpacked"
        _unpack(path, kind, target, max_bytes)
        yield target


def _unpack(path: Path, kind: str, target: Path, max_bytes: int) -> None:
    packed, size = path.stat().st_size, 0
    try:
        source = _open(path, kind)
    except _DAMAGED as error:
        raise _damaged(path, kind, error) from None
    with source, target.open("wb") as file:
        while True:
            try:
                block = source.read(_BLOCK)
            except _DAMAGED as error:
                raise _damaged(path, kind, error) from None
            if not block:
                return
            size += len(block)
            if size > max_bytes or (size > _RATIO_COUNTS_FROM and size > MAX_RATIO * packed):
                raise InvalidInput(
                    f"{packed:,} bytes of {kind} grow to more than {size:,}",
                    code="compression_bomb",
                    where=str(path),
                    hint="if the file is what you think it is, unpack it yourself and name the result",
                )
            file.write(block)


def _open(path: Path, kind: str) -> IO[bytes] | Any:
    if kind == "zip":
        return _open_only_member(path)
    if kind == "Zstandard":
        import pyarrow

        return pyarrow.input_stream(str(path), compression="zstd")
    if kind == "gzip":
        return gzip.open(path)
    return bz2.open(path) if kind == "bzip2" else lzma.open(path)


def _open_only_member(path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    members = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
    names = [one.filename for one in members]
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise InvalidInput(
            "is a workbook of a spreadsheet program",
            code="unknown_format",
            where=str(path),
            hint="save the sheet as CSV (UTF-8) and name that file",
        )
    if len(members) != 1:
        raise InvalidInput(
            f"holds {len(members)} files, expected one",
            code="unknown_format",
            where=str(path),
            hint="unpack it into a folder of its own and name the folder",
        )
    if members[0].flag_bits & 1:
        hint = "unpack it yourself and name the result"
        raise InvalidInput("is encrypted", code="unknown_format", where=str(path), hint=hint)
    return archive.open(members[0])


def _damaged(path: Path, kind: str, error: Exception) -> InvalidInput:
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InvalidInput(
        f"is damaged or cut off ({kind}: {said})",
        code="bad_file",
        where=str(path),
        hint="fetch or write it again, and compare the sizes",
    )
