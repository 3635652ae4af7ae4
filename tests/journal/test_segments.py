"""Segments: what is in them is read completely and in order, what is damaged or missing is told, old ones can be dropped."""

import os
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journals import HEADER_BYTES, batches, content, flat, write
from slow import examples

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.segments import Piece, drop_segments, read_journal, read_pieces, segment_name, segments
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


@examples(100)
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


@examples(100)
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


@examples(300)
@given(batches.filter(bool), st.integers(1, 60), st.data())
def test_a_changed_byte_costs_the_frame_it_is_in_and_no_other(tmp_path_factory, written, segment_bytes, data):
    """Whichever byte it is, the frames behind it are read, and the damaged one is told with all its bytes."""
    path = tmp_path_factory.mktemp("journal")
    write(path, *written, [b"the last one"], segment_bytes=segment_bytes)
    frames = list(read_pieces(path, 0))
    damaged = data.draw(st.sampled_from(frames[:-1]))
    segment = path / segment_name(max(start for start in segments(path) if start <= damaged.start))
    content_of = bytearray(segment.read_bytes())
    place = data.draw(st.integers(damaged.start, damaged.end - 1)) - int(segment.stem)
    content_of[place] ^= data.draw(st.integers(1, 255))
    segment.write_bytes(content_of)
    found = list(read_pieces(path, 0))
    assert [piece for piece in found if not piece.is_damaged] == [frame for frame in frames if frame != damaged]
    (piece,) = [piece for piece in found if piece.is_damaged]
    assert (piece.start, piece.end) == (damaged.start, damaged.end)
    start = damaged.start - int(segment.stem)
    assert piece.payload == content_of[start : start + damaged.end - damaged.start]
    assert content(path) == [frame.payload for frame in frames if frame != damaged]


@pytest.mark.parametrize("how", ["zeros", "ones", "random"])
@pytest.mark.parametrize("size", [1, 512, 4096, 300_000])
def test_a_damaged_block_costs_only_the_frames_that_it_touches(tmp_path, how, size):
    payloads = [b"%06d" % number * 50 for number in range(2000)]
    write(tmp_path, payloads)
    path = tmp_path / segment_name(0)
    data, since = bytearray(path.read_bytes()), 100_003
    data[since : since + size] = {"zeros": bytes(size), "ones": b"\xff" * size, "random": os.urandom(size)}[how]
    path.write_bytes(data)
    frame = HEADER_BYTES + 300
    kept = [
        payload
        for number, payload in enumerate(payloads)
        if (number + 1) * frame <= since or number * frame >= since + size
    ]
    assert content(tmp_path) == kept


@pytest.mark.parametrize("how", ["cut", "empty", "gone"])
def test_what_is_missing_of_a_segment_is_told_and_the_next_is_read(tmp_path, how):
    write(tmp_path, *[[bytes([65 + number]) * 5] for number in range(9)], segment_bytes=30)
    path = tmp_path / segment_name(39)
    if how == "gone":
        path.unlink()
    else:
        os.truncate(path, 20 if how == "cut" else 0)
    kept = [b"AAAAA", b"BBBBB", b"CCCCC", *([b"DDDDD"] if how == "cut" else []), b"GGGGG", b"HHHHH", b"IIIII"]
    assert content(tmp_path) == kept
    (piece,) = [piece for piece in read_pieces(tmp_path, 0) if piece.is_damaged]
    assert (piece.start, piece.end) == (52 if how == "cut" else 39, 78)


def test_a_missing_first_segment_is_told_and_an_error_to_who_needs_it(tmp_path):
    write(tmp_path, *[[bytes([65 + number]) * 5] for number in range(9)], segment_bytes=30)
    (tmp_path / segment_name(0)).unlink()
    with pytest.raises(EnvironmentFault) as caught:
        content(tmp_path)
    assert caught.value.code == "journal_gap"
    assert next(read_pieces(tmp_path, 13)) == Piece(13, 39, b"", is_damaged=True)
    assert content(tmp_path, since=39) == [bytes([65 + number]) * 5 for number in range(3, 9)]


def test_what_is_being_written_is_not_damage(tmp_path):
    write(tmp_path, [b"one"], [b"two"])
    path = tmp_path / segment_name(0)
    whole = path.read_bytes()
    for length in range(len(whole) // 2, len(whole)):
        path.write_bytes(whole[:length] + bytes(100))
        assert [piece.payload for piece in read_pieces(tmp_path, 0)] == [b"one"]


# ---- dropping segments ----------------------------------------------------------------------------------------------


@examples(100)
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
