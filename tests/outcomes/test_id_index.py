"""The id index: it knows every id that was added, and no other, whatever files they lie in."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.intake.logged_ids import _write
from mlops_lab.outcomes.id_index import IdFile, IdIndex, hash_contents, hash_id, hash_ids

names = st.lists(st.text(max_size=8), unique=True, max_size=60)


@given(names, names)
def test_a_file_finds_what_is_in_it(tmp_path_factory, there, not_there):
    folder = tmp_path_factory.mktemp("ids")
    entries = sorted((hash_id(name), number - 5, number) for number, name in enumerate([*there, *there[:3]]))
    columns = tuple(
        np.array(column, dtype=np.int64 if n else np.uint64) for n, column in enumerate(zip(*entries, strict=True))
    )
    if not entries:
        return
    file = IdFile(folder / _write(folder, [tuple(c.view(np.uint64) for c in columns)], entries=len(entries)))
    for number, name in enumerate(there):
        found = {(entry.moment, entry.content) for entry in file.find(hash_id(name))}
        assert (number - 5, number) in found
        assert len(found) == 1 + (number < 3)
    for name in {*not_there} - {*there}:
        assert not list(file.find(hash_id(name)))


def test_hashes_that_are_not_spread_evenly_are_found_too(tmp_path):
    keys = np.array([*range(5000), 2**64 - 1], dtype=np.uint64)
    zeros = np.zeros(len(keys), dtype=np.uint64)
    file = IdFile(tmp_path / _write(tmp_path, [(keys, zeros, zeros)], entries=len(keys)))
    assert all(len(list(file.find(int(key)))) == 1 for key in keys)
    assert not list(file.find(5000))


def test_an_index_that_is_not_there_or_cannot_be_read_is_empty(tmp_path):
    index = IdIndex(tmp_path / "none")
    index.refresh()
    assert (len(index), "a" in index, index.version) == (0, False, None)
    for manifest in (
        b"{",
        b'{"version":1,"commit":"","files":["5-gone.ids"]}',
        b'{"version":1,"commit":"","format":2}',
    ):
        (tmp_path / "manifest.json").write_bytes(manifest)
        index = IdIndex(tmp_path)
        index.refresh()
        assert (len(index), index.version) == (0, None)


def test_values_of_another_type_are_the_same_content():
    asked = pl.DataFrame({"late": [True], "hours": [3.0]})
    stored = pl.DataFrame({"hours": [3, 3, 4], "late": [True, False, True], "gone": [None, None, None]})
    assert (hash_contents(stored) == hash_contents(asked)[0]).tolist() == [True, False, False]
    assert hash_contents(pl.DataFrame({"late": [None]})).tolist() == [1]


def test_ids_are_texts_and_not_numbers():
    assert len({*hash_ids(["7.5", "7.50", "75e-1", "\ud800", ""]).tolist()}) == 5
