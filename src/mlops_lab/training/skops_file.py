"""A skops file with the same bytes for the same estimator: skops names its parts by their places in memory, and dates
them."""

from __future__ import annotations

import io
import re
import zipfile

_SCHEMA = "schema.json"
_FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)
_PLACE = re.compile(r'("__id__": |"file": ")(\d+)')
_FILE_NAME = re.compile(r"^\d+")


def with_fixed_names(content: bytes) -> bytes:
    """The same file, its parts numbered in the order in which the schema names them, and without dates."""
    numbers: dict[str, str] = {}

    def number(place: str) -> str:
        return numbers.setdefault(place, str(len(numbers) + 1))

    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(buffer, "w") as fixed:
        schema = archive.read(_SCHEMA).decode()
        files = {_SCHEMA: _PLACE.sub(lambda match: match[1] + number(match[2]), schema).encode()}
        for name in archive.namelist():
            if name != _SCHEMA:
                files[_FILE_NAME.sub(lambda match: number(match[0]), name)] = archive.read(name)
        for name, data in sorted(files.items()):
            fixed.writestr(zipfile.ZipInfo(name, _FIRST_MOMENT), data)
    return buffer.getvalue()
