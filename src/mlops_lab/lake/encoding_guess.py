"""Which encoding a text is written in that is no UTF-8: guessed by chardet, from the words that are not ASCII."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

_SAMPLE_BYTES = 200_000
_BLOCK_BYTES = 4 * 2**20
_LATIN = ("windows-1252", "windows-1250", "iso-8859-2")
"""The encodings of Europe, the most usual first; chardet alone confuses them where a column has few words."""
_CANDIDATES = (
    *_LATIN,
    *("windows-1251", "koi8-r", "koi8-u", "iso-8859-5", "cp866"),
    *("gb18030", "big5hkscs", "cp932", "euc-jp", "cp949"),
    *("windows-1253", "windows-1254", "windows-1255", "windows-1256", "windows-1257"),
)
_NEARLY_AS_LIKELY = 0.75


def guess_encoding(words: bytes) -> str:
    """The name of the encoding, as Python has it, in which these words are most likely written."""
    import chardet  # only here: most files are UTF-8

    guess = chardet.detect(words, include_encodings=_CANDIDATES)["encoding"] or _LATIN[0]
    if codecs.lookup(guess) not in map(codecs.lookup, _LATIN):
        return codecs.lookup(guess).name
    found = chardet.detect_all(words, ignore_threshold=True, include_encodings=_LATIN)
    confidence = {codecs.lookup(item["encoding"] or guess).name: item["confidence"] for item in found}
    usual_first = [codecs.lookup(name).name for name in _LATIN if codecs.lookup(name).name in confidence]
    likely = [name for name in usual_first if confidence[name] >= _NEARLY_AS_LIKELY * max(confidence.values())]
    return min(likely, key=lambda name: _count_signs(words, name))


def sample_words(path: Path) -> bytes:
    """The different cells of the whole file that are not ASCII, a line each, up to a limit."""
    cells: dict[bytes, None] = {}
    size = 0
    with path.open("rb") as file:
        while size < _SAMPLE_BYTES and (block := file.read(_BLOCK_BYTES) + file.readline(_BLOCK_BYTES)):
            for line in block.splitlines():
                if line.isascii():
                    continue
                for cell in re.split(rb'[,;\t"]', line):  # none of these is a part of a letter in any candidate
                    if not cell.isascii() and cell not in cells:
                        cells[cell] = None
                        size += len(cell)
    return b"\n".join(cells)[:_SAMPLE_BYTES].rpartition(b"\n")[0] if size > _SAMPLE_BYTES else b"\n".join(cells)


def share_of_utf8(words: bytes) -> float:
    """The share of the words that are valid UTF-8."""
    lines = words.split(b"\n")
    return sum(_is_utf8(line) for line in lines) / len(lines)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _count_signs(words: bytes, encoding: str) -> int:
    """How many characters of the text are neither ASCII nor letters: words have few, and a wrong encoding many."""
    return sum(not letter.isascii() and not letter.isalpha() for letter in words.decode(encoding, "replace"))
