"""What is counted in each file of a table, kept between two readings: files never change, so each is read once.

The summaries lie beside the tables, one file for each table and kind. What cannot be read there is computed again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import msgspec
import polars as pl

from mlops_lab.files import write_atomically
from mlops_lab.lake.delta import Lake

FOLDER = "_summaries"
FORMAT = 1
_Summary = TypeVar("_Summary")


def summarise_files(
    lake: Lake,
    table: str,
    kind: str,
    *,
    columns: Sequence[str],
    summarise: Callable[[pl.DataFrame], _Summary],
    type: type[_Summary],
) -> dict[str, _Summary]:
    """The summary of each file of a table: what `summarise` makes of these of its columns. `kind` names the summary:
    another function gets another name. EnvironmentFault where a file cannot be read."""
    path = lake.path / FOLDER / f"{table}-{kind}-{FORMAT}.json"
    known: dict[str, _Summary] = {}
    with suppress(OSError, msgspec.MsgspecError):
        known = msgspec.json.decode(path.read_bytes(), type=dict[str, type])  # type: ignore[valid-type]
    files = lake.files(table)
    found = {name: known[name] for name in files if name in known}
    new = [name for name in files if name not in known]
    for name, rows in zip(new, lake.read_files(table, new, columns=columns), strict=True):
        found[name] = summarise(rows)
    if found.keys() != known.keys():
        with suppress(OSError):  # it is only kept for the next time
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, msgspec.json.encode(found), durable=False)
    return found


def count_values(lake: Lake, table: str, column: str) -> dict[str, dict[str, int]]:
    """By file of a table, how often each text of a column occurs in it; nulls are not counted."""

    def count(rows: pl.DataFrame) -> dict[str, int]:
        counts = Counter(rows[column].to_list())  # of a small file, Polars takes fifty times as long
        del counts[None]
        return dict(counts)

    return summarise_files(lake, table, f"count-{column}", columns=[column], summarise=count, type=dict[str, int])
