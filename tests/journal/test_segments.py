"""Segments: what is in them is read completely and in order, gaps and damage are errors, old ones can be dropped."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journals import HEADER_BYTES, batches, content, flat, write

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.segments import drop_segments, read_journal, segment_name, segments
from mlops_lab.journal.writer import Journal

# ---- what was written is read ---------------------------------------------------------------------------------------


def test_frames_are_read_back_with_the_position_after_each(tmp_path):
    assert write(tmp_path, [b"one", b"two"], [b"three"]) == [2 * HEADER_BYTES + 6, 3 * HEADER_BYTES + 11]
    assert list(read_journal(tmp_path, 0)) == [(11, b"one"), (22, b"two"), (35, b"three")]
    assert list(read_journal(tmp_path, 11)) == [(22, b"two"), (35, b"three")]
    assert list(read_journal(tmp_path, 35)) == []


def test_no_journal_is_an_empty_one(tmp_path):
    assert content(tmp_path / "nowhere") == []
    assert segments(tmp_path / "nowhere") == []


@settings(max_examples=100)
@given(batches, st.integers(1, 60), st.booleans())
def test_whatever_is_written_is_read_once_and_in_order(tmp_path_factory, written, segment_bytes, reopen):
    path = tmp_path_factory.mktemp("journal")
    if reopen:
        positions = [write(path, batch, segment_bytes=segment_bytes)[0] for batch in written]
    else:
        positions = write(path, *written, segment_bytes=segment_bytes)
    frames = list(read_journal(path, 0))
    assert [payload for _, payload in frames] == flat(written)
    assert [position for position, _ in frames] == list(
        accumulate(HEADER_BYTES + len(payload) for payload in flat(written))
    )
    assert positions == [position for position, _ in frames if position in positions]
    for position, _ in frames:
        assert list(read_journal(path, position)) == [frame for frame in frames if frame[0] > position]


@settings(max_examples=100)
@given(batches, st.integers(1, 40))
def test_a_reader_beside_the_writer_sees_what_was_acknowledged(tmp_path_factory, written, segment_bytes):
    path = tmp_path_factory.mktemp("journal")
    journal = Journal(path, segment_bytes=segment_bytes)
    reached, seen = 0, []
    for number, batch in enumerate(written):
        end = journal.append(batch)
        if number % 2:
            for position, payload in read_journal(path, reached):
                reached = position
                seen.append(payload)
            assert reached == end == journal.position
    seen += content(path, reached)
    journal.close()
    assert seen == flat(written)


def test_each_segment_begins_where_the_one_before_ends(tmp_path):
    written = [[bytes([65 + number]) * 5] for number in range(10)]
    write(tmp_path, *written, segment_bytes=30)
    starts = segments(tmp_path)
    assert starts == [0, 39, 78, 117]
    for start, end in pairwise(starts):
        assert (tmp_path / segment_name(start)).stat().st_size == end - start
    assert content(tmp_path) == flat(written)


# ---- damage and gaps ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["flip", "cut", "empty"])
def test_damage_in_a_segment_that_others_follow_is_an_error(tmp_path, how):
    write(tmp_path, *[[bytes([65 + number]) * 5] for number in range(9)], segment_bytes=30)
    path = tmp_path / segment_name(39)
    data = bytearray(path.read_bytes())
    data[HEADER_BYTES + 14] ^= 1
    path.write_bytes({"flip": data, "cut": data[:20], "empty": b""}[how])
    with pytest.raises(EnvironmentFault) as caught:
        content(tmp_path)
    assert caught.value.code == "journal_damaged"
    assert segment_name(39) in caught.value.where
    assert caught.value.hint
    assert content(tmp_path, since=78) == [b"GGGGG", b"HHHHH", b"IIIII"]  # what comes after it is not damaged


def test_what_came_before_the_damage_is_read_first(tmp_path):
    write(tmp_path, *[[bytes([65 + number]) * 5] for number in range(9)], segment_bytes=30)
    (tmp_path / segment_name(39)).write_bytes(b"")
    frames = read_journal(tmp_path, 0)
    assert [next(frames)[1] for _ in range(3)] == [b"AAAAA", b"BBBBB", b"CCCCC"]
    with pytest.raises(EnvironmentFault):
        next(frames)


def test_a_missing_segment_is_an_error(tmp_path):
    write(tmp_path, *[[bytes([65 + number]) * 5] for number in range(9)], segment_bytes=30)
    (tmp_path / segment_name(0)).unlink()
    with pytest.raises(EnvironmentFault) as caught:
        content(tmp_path)
    assert caught.value.code == "journal_gap"
    assert content(tmp_path, since=39) == [bytes([65 + number]) * 5 for number in range(3, 9)]


def test_a_missing_segment_in_the_middle_is_an_error(tmp_path):
    write(tmp_path, *[[bytes([65 + number]) * 5] for number in range(9)], segment_bytes=30)
    (tmp_path / segment_name(39)).unlink()
    with pytest.raises(EnvironmentFault):
        content(tmp_path)


# ---- dropping segments ----------------------------------------------------------------------------------------------


@settings(max_examples=100)
@given(batches, st.integers(1, 40), st.data())
def test_dropping_segments_keeps_all_that_is_still_needed(tmp_path_factory, written, segment_bytes, data):
    path = tmp_path_factory.mktemp("journal")
    write(path, *written, segment_bytes=segment_bytes)
    frames = list(read_journal(path, 0))
    until = data.draw(st.sampled_from([0, *(position for position, _ in frames)]))
    before = segments(path)
    drop_segments(path, until)
    assert list(read_journal(path, until)) == [frame for frame in frames if frame[0] > until]
    assert segments(path) == [
        start for start, end in zip(before, [*before[1:], None], strict=True) if not end or end > until
    ]
    write(path, [b"more"], segment_bytes=segment_bytes)
    assert content(path, until)[-1] == b"more"


def test_dropping_leaves_the_last_segment_and_foreign_files(tmp_path):
    write(tmp_path, [b"one"])
    (tmp_path / "note.txt").write_text("mine")
    drop_segments(tmp_path, 10_000)
    assert segments(tmp_path) == [0]
    assert (tmp_path / "note.txt").exists()
