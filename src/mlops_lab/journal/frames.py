"""Frames: payloads with a length and a checksum, one after the other.

A frame is `length (u32) | crc32 (u32) | payload`, little-endian.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

HEADER = struct.Struct("<II")
_BLOCK_BYTES = 1024 * 1024
PADDING_BYTES = 64
"""How many zeros at the end of a payload may look like reserved space behind it."""


def frame_bytes(payload_bytes: int) -> int:
    """The size of a frame whose payload has that many bytes."""
    return HEADER.size + payload_bytes


def frame_starts(payloads: Sequence[bytes], since: int) -> list[int]:
    """The positions at which the frames of these payloads begin; the first begins at `since`."""
    return list(accumulate([HEADER.size + len(payload) for payload in payloads[:-1]], initial=since))


def frames_in(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(size of the frame, payload) of every frame, up to the first that is incomplete or damaged."""
    offset = 0
    while (payload := payload_at(data, offset)) is not None:
        size = frame_bytes(len(payload))
        yield size, payload
        offset += size


def payload_at(data: bytes, offset: int) -> bytes | None:
    """The payload of the frame at an offset; None where no whole frame is there, or its checksum does not match."""
    if offset + HEADER.size > len(data):
        return None
    length, checksum = HEADER.unpack_from(data, offset)
    end = offset + HEADER.size + length
    payload = data[offset + HEADER.size : end]
    return None if length == 0 or end > len(data) or zlib.crc32(payload) != checksum else payload


def find_frame(data: bytes) -> int | None:
    """Where the next frame begins that is whole, in data that begins with damaged bytes; None where none follows.

    Most damage leaves the length alone, which then says where the next frame is: what looks like a frame before it is
    content, which a client may have made up, unless it leads to just there, frame by frame. Else every offset is tried.
    """
    after = frame_bytes(HEADER.unpack_from(data)[0]) if len(data) >= HEADER.size else 0
    if payload_at(data, after) is None:
        return next((offset for offset in _offsets(data) if payload_at(data, offset) is not None), None)
    return next(
        (offset for offset in _offsets(data[:after]) if _end_of_frames(data, offset, until=after) == after), after
    )


def _end_of_frames(data: bytes, offset: int, *, until: int) -> int:
    """Where the whole frames end that follow each other from an offset on; not beyond `until`."""
    while offset < until and (payload := payload_at(data, offset)) is not None:
        offset += frame_bytes(len(payload))
    return offset


def cut_bytes(data: bytes) -> int:
    """How many bytes at the end of a journal, behind its last frame, are an interrupted write; the others are damaged.

    A write is interrupted from the front on: what is there of the frame is shorter than its length says, or there is no
    length yet. If the checksum matches what is there, the frame is whole, and it is the length that is damaged.
    """
    content = data.rstrip(b"\0")
    if len(content) < HEADER.size:
        return len(data)
    length, checksum = HEADER.unpack_from(content)
    if length > 0 and frame_bytes(length) <= min(len(content) + PADDING_BYTES, len(data)):
        return len(data) - max(frame_bytes(length), len(content))
    payload = content[HEADER.size :]
    for zeros in range(min(PADDING_BYTES, len(data) - len(content)) + 1):
        if payload and zlib.crc32(payload + b"\0" * zeros) == checksum:
            return len(data) - len(content) - zeros
    return len(data)


def _offsets(data: bytes) -> Iterator[int]:
    """The offsets after the first at which a frame could begin: its length fits. Where a frame would be long, which is
    expensive to check, something that could be a frame, or nothing, must follow it."""
    for start in range(1, len(data) - HEADER.size, _BLOCK_BYTES):
        stop = min(start + _BLOCK_BYTES, len(data) - HEADER.size)
        lengths = _lengths(data, np.arange(start, stop))
        ends = np.arange(start, stop) + HEADER.size + lengths
        for index in np.flatnonzero((lengths > 0) & (ends <= len(data))).tolist():
            if lengths[index] <= _BLOCK_BYTES or _may_follow(data, int(ends[index])):
                yield start + index


def _lengths(data: bytes, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """What a header at each offset would give as the length of its payload."""
    octets = np.frombuffer(data, np.uint8)
    lengths = np.zeros(len(offsets), np.int64)
    for place in range(4):
        lengths |= octets[offsets + place].astype(np.int64) << (8 * place)
    return lengths


def _may_follow(data: bytes, offset: int) -> bool:
    """Whether the data ends at an offset, or goes on there with the header of a frame or with zeros."""
    if offset + HEADER.size > len(data):
        return not data[offset:].strip(b"\0")
    return frame_bytes(HEADER.unpack_from(data, offset)[0]) <= len(data) - offset
