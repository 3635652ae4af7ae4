"""The fingerprint of a frame: its content and nothing else."""

import errno
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake import Lake, fingerprint_frame, snapshots
from mlops_lab.lake.fingerprint import fingerprint_frames
from mlops_lab.lake.snapshots import fingerprint_table

SCHEMA = {
    "text": pl.String,
    "number": pl.Float64,
    "whole": pl.Int64,
    "small": pl.Int8,
    "flag": pl.Boolean,
    "at": pl.Datetime("us", "UTC"),
    "day": pl.Date,
}
CELLS = {
    "text": st.none() | st.text(max_size=4),
    "number": st.none() | st.floats(allow_nan=False),
    "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
    "small": st.none() | st.integers(-128, 127),
    "flag": st.none() | st.booleans(),
    "at": st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    "day": st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1)),
}
rows = st.lists(st.tuples(*CELLS.values()), max_size=8)

KNOWN = [
    ("é", 0.5, -1, 7, True, datetime(2013, 3, 1, tzinfo=UTC), date(2013, 3, 1)),
    (None, None, None, None, None, None, None),
    ("", 0.0, 0, 0, False, datetime(1970, 1, 1, tzinfo=UTC), date(1970, 1, 1)),
]


def frame(cells) -> pl.DataFrame:
    return pl.DataFrame(cells, schema=SCHEMA, orient="row")


@given(rows, st.data())
def test_a_fingerprint_does_not_see_how_rows_lie_in_memory(cells, data):
    whole = frame(cells)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(cells)), max_size=3)))
    parts = [frame(cells[a:b]) for a, b in zip([0, *cuts], [*cuts, len(cells)], strict=True)]
    chunked = pl.concat(parts, rechunk=False)
    assert fingerprint_frame(chunked) == fingerprint_frame(whole)
    sliced = frame([*KNOWN, *cells, *KNOWN]).slice(len(KNOWN), len(cells))
    assert fingerprint_frame(sliced) == fingerprint_frame(whole)


@examples(100)
@given(rows, st.integers(1, 8))
def test_frames_below_each_other_have_the_fingerprint_of_one(cells, size):
    lists = pl.Series(
        "list", [None if row[0] is None else [row[1]] * len(row[0]) for row in cells], pl.List(pl.Float64)
    )
    whole = frame(cells).with_columns(lists)
    assert fingerprint_frames([*whole.iter_slices(size), whole.clear()]) == fingerprint_frame(whole)


@given(rows.filter(bool), st.data())
def test_any_cell_that_differs_makes_another_fingerprint(cells, data):
    row = data.draw(st.integers(0, len(cells) - 1))
    column = data.draw(st.sampled_from(list(SCHEMA)))
    index = list(SCHEMA).index(column)
    other = data.draw(CELLS[column])
    assume(other != cells[row][index])
    changed = [list(cell) for cell in cells]
    changed[row][index] = other
    assert fingerprint_frame(frame(changed)) != fingerprint_frame(frame(cells))


@given(rows, rows)
def test_two_frames_share_a_fingerprint_only_if_they_are_equal(one, other):
    assert (fingerprint_frame(frame(one)) == fingerprint_frame(frame(other))) == frame(one).equals(frame(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": ["ab", "c"]}, {"a": ["a", "bc"]}),
        ({"a": ["", None]}, {"a": [None, ""]}),
        ({"a": [0, None]}, {"a": [None, 0]}),
        ({"a": [1]}, {"b": [1]}),
        ({"a": [1], "b": [2]}, {"b": [2], "a": [1]}),
        ({"a": [1]}, {"a": [1.0]}),
        ({"a": [1]}, {"a": [True]}),
        ({"a": []}, {}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": ["x"], "b": ["y"]}, {"a": ["xy"], "b": [""]}),
        ({"a": [[1.0], [2.0]]}, {"a": [[1.0, 2.0], []]}),
        ({"a": [[1.0], None]}, {"a": [[1.0], []]}),
        ({"a": [[0.0]]}, {"a": [[None]]}),
        ({"a": [[1.0, 2.0]]}, {"a": [[2.0, 1.0]]}),
    ],
)
def test_frames_that_look_alike_differ(one, other):
    assert fingerprint_frame(pl.DataFrame(one)) != fingerprint_frame(pl.DataFrame(other))


def test_the_unit_and_the_zone_of_a_moment_count():
    moment = pl.Series([datetime(2013, 3, 1)], dtype=pl.Datetime("us"))
    kinds = [moment, moment.cast(pl.Datetime("ms")), moment.dt.replace_time_zone("UTC")]
    assert len({fingerprint_frame(pl.DataFrame({"at": kind})) for kind in kinds}) == 3


def test_lists_that_lie_elsewhere_in_memory_are_the_same():
    lists = pl.DataFrame({"output": [[0.5, 0.5], None, [], [1.0, None]]}, schema={"output": pl.List(pl.Float64)})
    chunked = pl.concat([lists[:1], lists[1:]], rechunk=False)
    assert fingerprint_frame(chunked) == fingerprint_frame(lists)
    assert fingerprint_frame(pl.concat([lists, lists])[4:]) == fingerprint_frame(lists)


def test_another_process_finds_the_same_fingerprint():
    """And so does another day: the hash of one known frame is fixed here."""
    code = (
        "import polars as pl, datetime as d; from mlops_lab.lake import fingerprint_frame; "
        "print(fingerprint_frame(pl.DataFrame({'a': ['x', None], 'b': [1, 2], 'c': [0.5, None], "
        "'d': [d.datetime(2013, 3, 1, tzinfo=d.UTC), None], 'e': [True, None]})))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    here = pl.DataFrame(
        {
            "a": ["x", None],
            "b": [1, 2],
            "c": [0.5, None],
            "d": [datetime(2013, 3, 1, tzinfo=UTC), None],
            "e": [True, None],
        }
    )
    assert fingerprint_frame(here) == output
    assert output == "f36e94320c170c9ce6f4760035429432dbdcf8daefe412ba0212b269cc6d459d"


def test_a_table_read_back_has_the_fingerprint_of_what_was_written(tmp_path):
    lake = Lake(tmp_path)
    table = frame(KNOWN)
    for part in (table.head(1), table.tail(2)):
        lake.append("table", part)
    assert fingerprint_table(table) == lake.snapshot("table").fingerprint


def test_a_large_table_has_the_fingerprint_of_one_that_is_sorted_at_once(tmp_path, monkeypatch):
    """Fingerprints are stored with versions: `mlops reproduce` compares them."""
    lake = Lake(tmp_path)
    table = pl.concat([frame(KNOWN * 5), frame(KNOWN[:2] * 3)])
    for part in (table.tail(9), table[:2], table[2:12]):
        lake.append("table", part)
    whole = lake.snapshot("table")
    monkeypatch.setattr(snapshots, "CELLS_AT_ONCE", 20)
    assert snapshots.is_large(whole.rows, table.width)
    assert lake.snapshot("table") == lake.pin().snapshot("table") == whole
    assert whole.rows == table.height


def test_a_disk_without_room_for_the_parts_is_an_error(tmp_path, monkeypatch):
    lake = Lake(tmp_path)
    lake.append("table", frame(KNOWN))
    monkeypatch.setattr(snapshots, "CELLS_AT_ONCE", 5)

    def write(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pl.DataFrame, "write_ipc", write)
    with pytest.raises(EnvironmentFault, match="the disk is full") as caught:
        lake.snapshot("table")
    assert tempfile.gettempdir() in str(caught.value.where)


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    """A lake with one table, so that any rows can be asked for as if they were its content."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    lake.append("table", frame(KNOWN))
    return lake


@given(rows, st.randoms(use_true_random=False))
def test_a_snapshot_does_not_see_the_order_of_the_rows(lake, cells, random):
    before = fingerprint_table(frame(cells))
    random.shuffle(cells)
    assert fingerprint_table(frame(cells)) == before


@given(rows, rows)
def test_snapshots_are_alike_only_if_their_rows_are(lake, one, other):
    alike = fingerprint_table(frame(one)) == fingerprint_table(frame(other))
    assert alike == frame(one).sort(list(SCHEMA)).equals(frame(other).sort(list(SCHEMA)))


def test_moments_before_1970_and_far_from_it_have_fingerprints_of_their_own():
    moments = [datetime(1, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in (0, 1, 700_000)]
    assert len({fingerprint_frame(pl.DataFrame({"at": [moment]})) for moment in moments}) == 3


def test_rows_that_another_tool_has_not_counted_are_read_all_the_same(tmp_path, monkeypatch):
    lake = Lake(tmp_path)
    lake.append("rows", pl.DataFrame({"number": range(9)}))
    before = lake.snapshot("rows")
    (commit,) = (lake.table_path("rows") / "_delta_log").glob("*.json")
    actions = [json.loads(line) for line in commit.read_text().splitlines()]
    for action in actions:
        action.get("add", {}).pop("stats", None)
    commit.write_text("".join(f"{json.dumps(action)}\n" for action in actions))
    uncounted = Lake(tmp_path)
    assert [file.rows for file in uncounted.files("rows").values()] == [0]
    monkeypatch.setattr(snapshots, "CELLS_AT_ONCE", 1)
    assert uncounted.snapshot("rows") == before
