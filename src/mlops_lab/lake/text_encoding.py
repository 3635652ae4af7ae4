"""Text files as UTF-8: detects the encoding of a file and converts it where it is another one."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from mlops_lab.errors import InvalidInput

_BLOCK_BYTES = 4 * 2**20
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
FALLBACK = "cp1252"
"""The encoding of Windows in Western Europe and America; its letters are those of Latin-1."""


class _UndecodableError(Exception):
    """A byte that is not valid in the encoding: its line, and whether all text before it was ASCII."""

    def __init__(self, line: int, byte: int, *, after_ascii: bool) -> None:
        super().__init__(line)
        self.line = line
        self.byte = byte
        self.after_ascii = after_ascii


def as_utf8(path: Path, name: str, converted: Path) -> Path:
    """The path of the text as UTF-8 with newlines: the file itself if it is that, else `converted`, which is written.

    InvalidInput names the line of a byte that is not UTF-8 and, where all before it is ASCII, not Windows-1252 either.
    """
    with path.open("rb") as file:
        head = file.read(_BLOCK_BYTES)
    encoding = next((kind for bom, kind in _BOMS.items() if head.startswith(bom)), None) or _guess(head, name)
    old_mac = b"\r" in head and b"\n" not in head
    try:
        if encoding in {"utf-8", "utf-8-sig"} and not old_mac:
            for _ in _decode(path, encoding):
                pass
            return path
        _write(path, encoding, converted, old_mac=old_mac)
    except _UndecodableError as error:
        if encoding != "utf-8" or not error.after_ascii:
            raise _encoding_error(error, encoding.removesuffix("-sig").upper(), name) from None
        try:
            _write(path, FALLBACK, converted, old_mac=old_mac)
        except _UndecodableError as other:
            raise _encoding_error(other, "UTF-8 nor Windows-1252", name) from None
    return converted


def _guess(head: bytes, name: str) -> str:
    """UTF-8, or UTF-16 without a byte order mark, which has a zero byte beside nearly every letter."""
    begin = head[:4096]
    zeros, letters = begin.count(b"\0"), len(begin) / 2
    if not zeros:
        return "utf-8"
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros_beside = begin[first::2].count(b"\0")
        if zeros_beside > 0.9 * zeros and zeros_beside > 0.3 * letters:
            return encoding
    raise InvalidInput(
        "is neither text nor Parquet",
        code="unknown_format",
        where=name,
        hint="use CSV, Parquet or JSON lines, compressed or not, a folder of them, a Delta table or a SQL query",
    )


def _decode(path: Path, encoding: str) -> Iterator[str]:
    """The text of the file in blocks; _UndecodableError for an invalid byte."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, ascii_only = 1, True
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK_BYTES)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                good = error.object[: error.start].decode(encoding, "replace")
                raise _UndecodableError(
                    line + good.count("\n"), error.object[error.start], after_ascii=ascii_only and good.isascii()
                ) from None
            yield text
            if not block:
                return
            line += text.count("\n")
            ascii_only = ascii_only and text.isascii()


def _write(path: Path, encoding: str, converted: Path, *, old_mac: bool) -> None:
    with converted.open("w", encoding="utf-8", newline="") as file:
        for text in _decode(path, encoding):
            file.write(text.replace("\r", "\n") if old_mac else text)


def _encoding_error(error: _UndecodableError, encoding: str, name: str) -> InvalidInput:
    neither = "neither " if "nor" in encoding else "not "
    return InvalidInput(
        f"the byte 0x{error.byte:02x} is {neither}{encoding}",
        code="bad_encoding",
        where=f"{name}, line {error.line}",
        hint="save the file as UTF-8",
    )
