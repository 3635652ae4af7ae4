"""Keeping the id indexes of the log: what was added to `predictions` and `outcomes` is added to them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import polars as pl

from mlops_lab.errors import MlopsError
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.ids import new_id
from mlops_lab.lake import Lake
from mlops_lab.lake.added import Added, Mark
from mlops_lab.lake.damage import read_readable
from mlops_lab.outcomes.id_index import ENTRY_BYTES, IdFile, Manifest, Numbers, hash_contents, hash_ids, read_manifest
from mlops_lab.project import Project
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS
from mlops_lab.tables.fields import outcome_fields
from mlops_lab.tables.table import Table
from mlops_lab.tables.verdict import COUNTED

_LEVELS = (2**16, 2**22, 2**26)
"""How many entries a file of each level has at most. There is one file of each, but of the last as many as it takes."""
_SLICE_ENTRIES = 2**18
"""How many entries are merged at once."""
_Columns = tuple[Numbers, Numbers, Numbers]


def index_ids(project: Project, lake: Lake) -> None:
    """Add to the id indexes what was added to the log since the last time; make those anew that are missing, damaged,
    or were made from another table. Only with the lock of the intake held."""
    for table in (PREDICTIONS, OUTCOMES):
        if table.exists(lake):
            try:
                _index_table(project, lake, table)
            except OSError as error:
                raise disk_fault(error, project.ids_path) from error


def _index_table(project: Project, lake: Lake, table: Table) -> None:
    folder = project.ids_path / table.name
    manifest = _usable(folder)
    values = [field.name for field in outcome_fields(project)] if table is OUTCOMES else []
    wanted = ["id", table.time, *values, *(["verdict"] if table is OUTCOMES else [])]
    since = Mark(manifest.version, manifest.commit) if manifest else None
    with suppress(MlopsError):  # the table's log is damaged: an alert says so, and the index stays as it is
        added = lake.read_added(table.name, since, columns=wanted)
        if added.mark == since:
            return
        try:
            _add(folder, manifest, added, (_entries(part, table, values) for part in added.parts))
        except MlopsError:  # a file is damaged: an alert says so, and the others are indexed
            readable = _entries(read_readable(lake, table.name)[0], table, values)
            _add(folder, None, replace(added, is_whole=True), [readable])


def _usable(folder: Path) -> Manifest | None:
    """The manifest of an index; None where one of its files is missing or was cut off."""
    manifest = read_manifest(folder)
    try:
        for name in manifest.files if manifest else ():
            if (folder / name).stat().st_size != _count(name) * ENTRY_BYTES:
                return None
    except OSError:
        return None
    return manifest


def _entries(rows: pl.DataFrame, table: Table, values: Sequence[str]) -> _Columns:
    """The entries of some rows: outcomes that do not count have no content that could be sent again."""
    if not {"id", table.time} <= {*rows.columns}:
        rows = pl.DataFrame(schema={"id": pl.String, table.time: pl.Datetime("us", "UTC")})
    rows = rows.drop_nulls(["id", table.time])
    keys = hash_ids(rows["id"].cast(pl.String).to_list())
    moments = rows[table.time].to_physical().cast(pl.Int64).to_numpy().view(np.uint64)
    contents = np.zeros(rows.height, dtype=np.uint64)
    known = [name for name in values if name in rows.columns]
    if known and "verdict" in rows.columns:
        counts = rows["verdict"].is_in([*COUNTED]).fill_null(value=False).to_numpy()
        contents = np.where(counts, hash_contents(rows.select(known)), contents)
    return keys, moments, contents


def _add(folder: Path, manifest: Manifest | None, added: Added, parts: Iterable[_Columns]) -> None:
    """Write the index with these entries added; only with them, where they are all."""
    folder.mkdir(parents=True, exist_ok=True)
    present = () if manifest is None or added.is_whole else manifest.files
    files = list(present)
    try:
        for part in _in_slices(parts):
            _add_part(folder, files, part)
        kept = Manifest(added.mark.version, added.mark.commit, tuple(files))
        write_atomically(folder / "manifest.json", msgspec.json.encode(kept))
    finally:  # also what a killed process left, or this one, where the disk is full
        found = read_manifest(folder)
        for path in folder.glob("*.ids"):
            if found is None or path.name not in found.files:
                path.unlink(missing_ok=True)


def _in_slices(parts: Iterable[_Columns]) -> Iterator[_Columns]:
    """The entries in fewer parts, none of which is empty: each makes a file."""
    waiting: list[_Columns] = []
    for part in parts:
        waiting += [part] if len(part[0]) else []
        if sum(len(keys) for keys, _, _ in waiting) >= _SLICE_ENTRIES:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)


def _joined(parts: Sequence[_Columns]) -> _Columns:
    return tuple(map(np.concatenate, zip(*parts, strict=True)))  # type: ignore[return-value]


def _add_part(folder: Path, files: list[str], part: _Columns) -> None:
    """Add entries to the files of an index: merge them with the file of the first level, and where that gets too large
    for its level, with that of the next one."""
    sources, entries = [_sorted(part)], len(part[0])
    for number, most in enumerate(_LEVELS):
        least = _LEVELS[number - 1] if number else 0
        of_level = [name for name in files if least < _count(name) and (_count(name) <= most or most == _LEVELS[-1])]
        smallest = min(of_level, key=_count, default=None)
        total = entries + (_count(smallest) if smallest else 0)
        if total > most == _LEVELS[-1]:
            break
        if smallest is not None:
            sources.append(IdFile(folder / smallest).columns())
            files.remove(smallest)
        entries = total
        if entries <= most:
            break
    files.append(_write(folder, sources, entries=entries))


def _sorted(part: _Columns) -> _Columns:
    keys, moments, contents = part
    order = np.argsort(keys, kind="stable")
    return keys[order], moments[order], contents[order]


def _write(folder: Path, sources: Sequence[_Columns], *, entries: int) -> str:
    """Write the entries of sorted sources into one sorted file, on the disk when this returns; its name."""
    name = f"{entries}-{new_id()[:12]}.ids"
    written = 0
    with (folder / name).open("wb") as file:
        for slice_ in _merged(sources, slices=entries // _SLICE_ENTRIES + 1):
            for number, column in enumerate(slice_):
                file.seek((number * entries + written) * 8)
                file.write(column.tobytes())
            written += len(slice_[0])
        file.flush()
        os.fsync(file.fileno())
    return name


def _merged(sources: Sequence[_Columns], *, slices: int) -> Iterator[_Columns]:
    """The entries of all sources in order, in about as many slices: hashes are spread evenly."""
    before = [0] * len(sources)
    for number in range(1, slices + 1):
        bound = np.uint64(min(2**64 * number // slices, 2**64 - 1))
        side: Literal["left", "right"] = "right" if number == slices else "left"
        ends = [int(np.searchsorted(keys, bound, side=side)) for keys, _, _ in sources]
        columns = zip(*(tuple(c[b:e] for c in s) for s, b, e in zip(sources, before, ends, strict=True)), strict=True)
        yield _sorted(tuple(map(np.concatenate, columns)))  # type: ignore[arg-type]
        before = ends


def _count(name: str) -> int:
    """The number of entries of a file."""
    return int(name.split("-")[0])
