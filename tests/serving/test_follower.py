"""Following a journal: each payload once and in order, whatever is being written meanwhile."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_lab.serving.journal import Follower, Journal, read_journal, segment_name, worker_path, worker_paths

appends = st.lists(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=4), max_size=12)


@settings(max_examples=100, deadline=None)
@given(appends, st.integers(20, 300), st.integers(0, 200), st.data())
def test_every_payload_is_handed_out_once(tmp_path_factory, written, segment_bytes, reserve, data):
    path = tmp_path_factory.mktemp("journal")
    journal = Journal(path, segment_bytes=segment_bytes, reserve_bytes=reserve)
    follower, seen = Follower(path, 0), []
    for payloads in written:
        journal.append(payloads)
        if data.draw(st.booleans()):
            seen += follower.read_new()
            assert follower.position == journal.position
    seen += follower.read_new()
    assert follower.read_new() == []
    assert seen == [payload for payloads in written for payload in payloads]
    journal.close()
    follower.close()


def test_half_a_frame_is_waited_for(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([b"one" * 50, b"two" * 50])
    journal.close()
    segment = tmp_path / segment_name(0)
    whole = segment.read_bytes()
    for length in range(len(whole)):
        segment.write_bytes(whole[:length])
        follower = Follower(tmp_path, 0)
        seen = follower.read_new()
        assert len(seen) == (length >= len(whole) // 2)
        segment.write_bytes(whole)
        assert [*seen, *follower.read_new()] == [b"one" * 50, b"two" * 50]
        follower.close()


def test_a_payload_larger_than_what_is_read_at_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    payloads = [b"a" * 10, b"b" * 300_000, b"c"]
    journal.append(payloads)
    assert Follower(tmp_path, 0).read_new() == payloads
    journal.close()


def test_it_begins_where_it_is_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=50)
    for number in range(20):
        journal.append([b"%02d" % number * 8])
    positions = [position for position, _ in read_journal(tmp_path, 0)]
    for index, position in enumerate(positions):
        assert Follower(tmp_path, position).read_new() == [b"%02d" % number * 8 for number in range(index + 1, 20)]
    journal.close()


def test_a_journal_that_does_not_exist_yet_is_an_empty_one(tmp_path: Path) -> None:
    follower = Follower(tmp_path / "worker-1", 0)
    assert follower.read_new() == []
    journal = Journal(tmp_path / "worker-1")
    journal.append([b"first"])
    assert follower.read_new() == [b"first"]
    journal.close()
    assert worker_paths(tmp_path) == [worker_path(tmp_path, 0), worker_path(tmp_path, 1)]
