"""Readers: a follower returns each payload once and in order while others write; a frame can be read again."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.frames import frame_starts
from mlops_lab.journal.readers import Follower, FrameReader
from mlops_lab.journal.segments import drop_segments, read_journal, segment_name, write_segment
from mlops_lab.journal.workers import worker_path, worker_paths
from mlops_lab.journal.writer import Journal


def read_new(follower: Follower) -> list[bytes]:
    return [payload for _, payload in follower.read_new()]


appends = st.lists(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=4), max_size=12)


@examples(100)
@given(appends, st.integers(20, 300), st.integers(0, 200), st.data())
def test_a_follower_returns_every_payload_once(tmp_path_factory, written, segment_bytes, reserve, data):
    path = tmp_path_factory.mktemp("journal")
    journal = Journal(path, segment_bytes=segment_bytes, reserve_bytes=reserve)
    follower, seen = Follower(path, 0), []
    for payloads in written:
        end = journal.append(payloads)
        if data.draw(st.booleans()):
            frames = follower.read_new()
            assert frames[-1][0] == end
            seen += [payload for _, payload in frames]
            assert follower.position == journal.position
    seen += read_new(follower)
    assert read_new(follower) == []
    assert seen == [payload for payloads in written for payload in payloads]
    journal.close()
    follower.close()


def test_an_incomplete_frame_is_returned_once_it_is_complete(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([b"one" * 50, b"two" * 50])
    journal.close()
    segment = tmp_path / segment_name(0)
    whole = segment.read_bytes()
    for length in range(len(whole)):
        segment.write_bytes(whole[:length])
        follower = Follower(tmp_path, 0)
        seen = read_new(follower)
        assert len(seen) == (length >= len(whole) // 2)
        segment.write_bytes(whole)
        assert [*seen, *read_new(follower)] == [b"one" * 50, b"two" * 50]
        follower.close()


def test_a_payload_larger_than_what_is_read_at_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    payloads = [b"a" * 10, b"b" * 300_000, b"c"]
    journal.append(payloads)
    assert read_new(Follower(tmp_path, 0)) == payloads
    journal.close()


def test_a_follower_begins_at_the_given_position(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=50)
    for number in range(20):
        journal.append([b"%02d" % number * 8])
    positions = [position for position, _ in read_journal(tmp_path, 0)]
    for index, position in enumerate(positions):
        assert read_new(Follower(tmp_path, position)) == [b"%02d" % number * 8 for number in range(index + 1, 20)]
    journal.close()


def test_a_journal_that_does_not_exist_yet_is_an_empty_one(tmp_path: Path) -> None:
    follower = Follower(tmp_path / "worker-1", 0)
    assert read_new(follower) == []
    journal = Journal(tmp_path / "worker-1")
    journal.append([b"first"])
    assert read_new(follower) == [b"first"]
    journal.close()
    assert worker_paths(tmp_path) == [worker_path(tmp_path, 0), worker_path(tmp_path, 1)]


@pytest.mark.parametrize("place", range(11))
def test_a_follower_leaves_out_what_is_damaged_once_something_follows_it(tmp_path: Path, place: int) -> None:
    with closing(Journal(tmp_path)) as journal:
        journal.append([b"one", b"two"])
    segment = tmp_path / segment_name(0)
    data = bytearray(segment.read_bytes())
    data[11 + place] ^= 1
    segment.write_bytes(data)
    with closing(Follower(tmp_path, 0)) as follower:
        assert read_new(follower) == [b"one"]
        with closing(Journal(tmp_path, segment_bytes=1)) as journal:
            journal.append([b"three"])
            assert read_new(follower) == [b"three"]
            journal.append([b"four"])
            assert read_new(follower) == [b"four"]


# ---- reading a frame again -----------------------------------------------------------------------------------------


@examples(100)
@given(appends, st.integers(20, 300), st.data())
def test_a_frame_is_read_again_also_after_its_segment_is_dropped(tmp_path_factory, written, segment_bytes, data):
    path = tmp_path_factory.mktemp("journal")
    journal = Journal(path, segment_bytes=segment_bytes, reserve_bytes=100)
    reader, expected = FrameReader(path), {}
    for payloads in written:
        since = journal.position
        end = journal.append(payloads)
        reader.keep_open(since)
        expected |= zip(frame_starts(payloads, since), payloads, strict=True)
        drop_segments(path, data.draw(st.integers(0, end)))
    for position in data.draw(st.permutations(list(expected))):
        assert reader.read(position) == expected[position]
    journal.close()
    reader.close()


def test_a_large_frame_is_read_again(tmp_path: Path) -> None:
    payloads = [b"a" * 10, b"b" * 3_000_000, b"c" * 2041]
    write_segment(tmp_path / "index", payloads)
    assert [payload for _, payload in read_journal(tmp_path / "index", 0)] == payloads
    reader = FrameReader(tmp_path / "index")
    reader.keep_open(0)
    assert [reader.read(position) for position in frame_starts(payloads, 0)] == payloads
    reader.close()


@pytest.mark.parametrize("how", ["flip", "cut", "empty", "endless", "not kept open"])
def test_a_frame_that_cannot_be_read_is_an_error(tmp_path: Path, how: str) -> None:
    write_segment(tmp_path / "index", [b"one", b"another"])
    segment = tmp_path / "index" / segment_name(0)
    whole = segment.read_bytes()
    reader = FrameReader(tmp_path / "index")
    if how != "not kept open":
        reader.keep_open(0)
    endless = whole[:11] + b"\xff" * 4 + whole[15:]
    segment.write_bytes(
        {"flip": whole[:-1] + b"?", "cut": whole[:-1], "empty": b"", "endless": endless, "not kept open": whole}[how]
    )
    with pytest.raises(EnvironmentFault) as caught:
        reader.read(11)
    assert caught.value.code == "journal_damaged"
    assert caught.value.hint
    reader.close()
