"""Frames: payloads with a length and a checksum, one after the other.

A frame is `length (u32) | crc32 (u32) | payload`, little-endian.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import accumulate

HEADER = struct.Struct("<II")


def frame_bytes(payload_bytes: int) -> int:
    """The size of a frame whose payload has that many bytes."""
    return HEADER.size + payload_bytes


def frame_starts(payloads: Sequence[bytes], since: int) -> list[int]:
    """The positions at which the frames of these payloads begin; the first begins at `since`."""
    return list(accumulate([HEADER.size + len(payload) for payload in payloads[:-1]], initial=since))


def frames_in(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(size of the frame, payload) of every frame, up to the first that is incomplete or damaged."""
    offset = 0
    while offset + HEADER.size <= len(data):
        length, checksum = HEADER.unpack_from(data, offset)
        end = offset + HEADER.size + length
        payload = data[offset + HEADER.size : end]
        if length == 0 or end > len(data) or zlib.crc32(payload) != checksum:
            return
        yield end - offset, payload
        offset = end
