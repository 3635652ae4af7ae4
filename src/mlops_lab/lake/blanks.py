"""Text in columns that several blanks separate: as many tools print a table."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

_OTHER_SEPARATORS = re.compile(r"[,;\t|]")
_HEAD_LINES = 100


def squeeze_blanks(path: Path, target: Path) -> Path:
    """The same text with a tab between cells, written to `target`, where blanks stand between them in a table; else
    `path`.

    It is such a table if its first line has none of the usual separators, cells are apart by more than one blank
    somewhere, and all rows of the head have equally many. Lines keep their numbers.
    """
    with path.open(encoding="utf-8-sig") as file:
        head = list(islice(file, _HEAD_LINES))
    rows = [line for line in head if line.strip() and not line.startswith("#")]
    widths = {len(line.split()) for line in rows}
    is_table = len(rows) > 1 and len(widths) == 1 and widths != {1} and not _OTHER_SEPARATORS.search(rows[0])
    if not is_table or not any(re.search(r"\S  +\S|^ +\S", line) for line in rows) or '"' in "".join(rows):
        return path
    with path.open(encoding="utf-8-sig") as file, target.open("w", encoding="utf-8") as squeezed:
        for line in file:
            squeezed.write(line if line.startswith("#") else "\t".join(line.split()) + "\n")
    return target
