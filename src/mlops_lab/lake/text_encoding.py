"""Text files as UTF-8: detects the encoding of a file and converts it where it is another one."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.encoding_guess import guess_encoding, sample_words, share_of_utf8
from mlops_lab.notes import tell

_BLOCK_BYTES = 4 * 2**20
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_MIN_SHARE_OF_UTF8 = 0.5
"""From this share of words on, a text with other bytes is damaged UTF-8, and not text in another encoding."""


class _UndecodableError(Exception):
    """A byte that is not valid in the encoding: its line, and whether all text before it was ASCII."""

    def __init__(self, line: int, byte: int, *, after_ascii: bool) -> None:
        super().__init__(line)
        self.line = line
        self.byte = byte
        self.after_ascii = after_ascii


def as_utf8(path: Path, name: str, converted: Path, *, declared: str | None = None) -> Path:
    """The path of the text as UTF-8 with newlines: the file itself if it is that, else `converted`, which is written.

    Text that is not UTF-8 is in the `declared` encoding; without one it is guessed, and the guess is told. InvalidInput
    names the line of a byte that is not in the encoding.
    """
    encoding = _find_encoding(path, name, check_encoding(declared) if declared else None)
    with path.open("rb") as file:
        head = file.read(_BLOCK_BYTES)
    # in UTF-16, the bytes of a line's end can be parts of other letters
    old_mac = b"\r" in head and b"\n" not in head
    try:
        if encoding in {"utf-8", "utf-8-sig"} and not old_mac:
            return path
        _write(path, encoding, converted, old_mac=old_mac)
    except _UndecodableError as error:
        raise _encoding_error(error, encoding, name) from None
    return converted


def check_encoding(encoding: str) -> str:
    """The name of an encoding as Python has it; InvalidInput where there is no such encoding of text."""
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)
    except LookupError:
        raise InvalidInput(
            f'"{encoding}" is not an encoding',
            code="unknown_encoding",
            where="--encoding, or encoding in mlops.toml",
            hint="use a name such as cp1252, cp1251, iso8859-2, gbk, shift_jis or utf-16",
        ) from None
    return name


def _find_encoding(path: Path, name: str, declared: str | None) -> str:
    """The encoding of the file: by its mark, as UTF-8, as it is declared, or guessed."""
    with path.open("rb") as file:
        head = file.read(4096)
    if mark := next((kind for bom, kind in _BOMS.items() if head.startswith(bom)), None):
        _check(path, mark, name)
        return mark
    if declared is None and (wide := _guess_wide(head, name)):
        return wide
    try:
        is_ascii = True
        for text in _decode(path, "utf-8"):  # to its end: a later byte may not be UTF-8
            is_ascii = is_ascii and text.isascii()
        return declared if declared is not None and is_ascii else "utf-8"
    except _UndecodableError as error:
        if declared is not None:
            return declared
        words = sample_words(path)
        if not error.after_ascii and share_of_utf8(words) >= _MIN_SHARE_OF_UTF8:
            raise _encoding_error(error, "utf-8", name) from None
        guessed = guess_encoding(words)
    tell(f"{name} is no UTF-8: it is read as {guessed}, which is a guess; --encoding NAME overrides it")
    return guessed


def _check(path: Path, encoding: str, name: str) -> None:
    try:
        for _ in _decode(path, encoding):
            pass
    except _UndecodableError as error:
        raise _encoding_error(error, encoding, name) from None


def _guess_wide(begin: bytes, name: str) -> str | None:
    """UTF-16 without a byte order mark, which has a zero byte beside nearly every ASCII letter; None for other text."""
    zeros, letters = begin.count(b"\0"), len(begin) / 2
    if not zeros:
        return None
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
    return InvalidInput(
        f"the byte 0x{error.byte:02x} is not {encoding.removesuffix('-sig').upper()}",
        code="bad_encoding",
        where=f"{name}, line {error.line}",
        hint="save the file as UTF-8, or name its encoding: --encoding NAME (or encoding in mlops.toml)",
    )
