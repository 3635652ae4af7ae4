"""Text files as UTF-8: the encoding is found out, and what is written in another one is written anew beside it."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from mlops_lab.errors import InvalidInput

_BLOCK = 4 * 2**20
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
FALLBACK = "cp1252"
"""What Windows in Western Europe and America writes; its letters are those of Latin-1."""


class _UndecodableError(Exception):
    """A byte that the encoding does not have: where it stands, and whether all before it was ASCII."""

    def __init__(self, line: int, byte: int, *, after_ascii: bool) -> None:
        super().__init__(line)
        self.line = line
        self.byte = byte
        self.after_ascii = after_ascii


def as_utf8(path: Path, name: str, spare: Path) -> Path:
    """The file, if it is UTF-8 with lines that end in newlines; else `spare`, written with the same text as such.

    InvalidInput with the line for a byte that fits neither UTF-8 nor, where all before it is ASCII, Windows-1252.
    """
    with path.open("rb") as file:
        head = file.read(_BLOCK)
    encoding = next((kind for bom, kind in _BOMS.items() if head.startswith(bom)), None) or _guess(head, name)
    old_mac = b"\r" in head and b"\n" not in head
    try:
        if encoding in {"utf-8", "utf-8-sig"} and not old_mac:
            for _ in _decode(path, encoding):
                pass
            return path
        _write(path, encoding, spare, old_mac=old_mac)
    except _UndecodableError as error:
        if encoding != "utf-8" or not error.after_ascii:
            raise _explain(error, encoding.removesuffix("-sig").upper(), name) from None
        try:
            _write(path, FALLBACK, spare, old_mac=old_mac)
        except _UndecodableError as other:
            raise _explain(other, "UTF-8 nor Windows-1252", name) from None
    return spare


def _guess(head: bytes, name: str) -> str:
    """UTF-16 without a mark has a zero beside nearly every letter; other text has none."""
    begin = head[:4096]
    zeros, letters = begin.count(b"\0"), len(begin) / 2
    if not zeros:
        return "utf-8"
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        beside = begin[first::2].count(b"\0")
        if beside > 0.9 * zeros and beside > 0.3 * letters:
            return encoding
    raise InvalidInput(
        "is neither text nor Parquet",
        code="unknown_format",
        where=name,
        hint="use CSV, Parquet or JSON lines, compressed or not, a folder of them, a Delta table or a SQL query",
    )


def _decode(path: Path, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    line, ascii_only = 1, True
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
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


def _write(path: Path, encoding: str, spare: Path, *, old_mac: bool) -> None:
    with spare.open("w", encoding="utf-8", newline="") as file:
        for text in _decode(path, encoding):
            file.write(text.replace("\r", "\n") if old_mac else text)


def _explain(error: _UndecodableError, encoding: str, name: str) -> InvalidInput:
    neither = "neither " if "nor" in encoding else "not "
    return InvalidInput(
        f"the byte 0x{error.byte:02x} is {neither}{encoding}",
        code="bad_encoding",
        where=f"{name}, line {error.line}",
        hint="save the file as UTF-8",
    )
