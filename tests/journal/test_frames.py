"""Frames: a payload is read back as it was, and what is not a complete frame is never taken for one."""

import zlib

from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.journal.frames import HEADER, frame_bytes, frame_starts, frames_in

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
