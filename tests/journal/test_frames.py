"""Frames: a payload is read back as it was, and what is not a complete frame is never taken for one."""

import zlib

from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.journal.frames import (
    HEADER,
    cut_bytes,
    find_frame,
    frame_bytes,
    frame_starts,
    frames_in,
    payload_at,
)

payloads = st.lists(st.binary(min_size=1, max_size=20), max_size=6)


def frame(payload: bytes) -> bytes:
    return HEADER.pack(len(payload), zlib.crc32(payload)) + payload


@given(payloads)
def test_frames_are_read_back_with_their_sizes(written):
    frames = list(frames_in(b"".join(map(frame, written))))
    assert [payload for _, payload in frames] == written
    assert [size for size, _ in frames] == [frame_bytes(len(payload)) for payload in written]


@given(payloads, st.data())
def test_reading_stops_at_a_frame_that_was_cut(written, data):
    whole = b"".join(map(frame, written))
    cut = data.draw(st.integers(0, len(whole)))
    read = [payload for _, payload in frames_in(whole[:cut])]
    ends = [
        start + frame_bytes(len(payload)) for start, payload in zip(frame_starts(written, 0), written, strict=False)
    ]
    assert read == [payload for payload, end in zip(written, ends, strict=True) if end <= cut]


@given(payloads.filter(bool), st.data())
def test_reading_stops_at_a_frame_with_a_changed_bit(written, data):
    whole = bytearray(b"".join(map(frame, written)))
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= 1 << data.draw(st.integers(0, 7))
    read = [payload for _, payload in frames_in(bytes(whole))]
    starts = frame_starts(written, 0)
    damaged = max(index for index, start in enumerate(starts) if start <= position)
    assert read == written[:damaged]


@given(payloads.filter(bool), st.integers(0, 2**40))
def test_frames_begin_where_the_one_before_ends(written, since):
    starts = frame_starts(written, since)
    assert starts[0] == since
    ends = [start + len(frame(payload)) for start, payload in zip(starts, written, strict=True)]
    assert starts[1:] == ends[:-1]


def test_an_empty_payload_is_not_a_frame():
    """Zeros are what a file system leaves of a write that a power cut interrupted."""
    assert list(frames_in(b"\0" * 64)) == []


# ---- what follows damage ---------------------------------------------------------------------------------------------


def test_a_frame_that_a_client_made_up_is_not_found_inside_of_a_damaged_one():
    made_up = frame(b"made up")
    damaged = bytearray(frame(b"a request with " + made_up + b" in it"))
    damaged[-1] ^= 1
    assert find_frame(bytes(damaged) + frame(b"next")) == len(damaged)


def test_a_damaged_length_that_leads_to_a_later_frame_skips_none():
    frames = [bytearray(frame(bytes([65 + number]) * 8)) for number in range(5)]
    frames[0][0] += 32  # two frames more
    assert find_frame(b"".join(frames)) == 16


@given(st.binary(max_size=200), st.binary(min_size=1, max_size=20))
def test_what_is_found_is_the_first_whole_frame(garbage, payload):
    data = b"\xff" * 8 + garbage + frame(payload)
    found = find_frame(data)
    assert found is not None
    assert payload_at(data, found) is not None
    assert all(payload_at(data, offset) is None for offset in range(1, found))


def test_nothing_follows_the_last_frame():
    assert find_frame(b"") is None
    assert find_frame(b"\xff" * 100) is None
    assert find_frame(frame(b"whole")[:-1]) is None


@given(st.binary(min_size=1, max_size=60), st.integers(0, 200), st.data())
def test_an_interrupted_write_is_cut_off_and_a_damaged_frame_is_not(payload, reserved, data):
    whole = frame(payload)
    cut = data.draw(st.integers(0, max(0, len(whole.rstrip(b"\0")) - 1)))
    tail = whole[:cut] + bytes(reserved)
    if len(tail) < len(whole) or cut < 8:
        assert cut_bytes(tail) == len(tail)
    damaged = bytearray(whole)
    damaged[data.draw(st.integers(0, 7))] ^= data.draw(st.integers(1, 255))
    kept = len(damaged) + reserved - cut_bytes(bytes(damaged) + bytes(reserved))
    assert kept >= len(bytes(damaged).rstrip(b"\0")) or damaged[:4] == bytes(4)
