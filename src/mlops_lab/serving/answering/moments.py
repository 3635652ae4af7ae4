"""Many moments at once, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import numpy as np

from mlops_lab.clock import to_micros

_FEWEST = 32  # with fewer moments NumPy does not pay off
_MOST, _HEAD_BYTES = 2**16 - 1, 3  # a longer list has a longer head in MessagePack
_encode = msgspec.msgpack.Encoder().encode
_SECONDS = np.dtype([("tag", ">u2"), ("seconds", ">u4")])
_PARTS = np.dtype([("tag", ">u2"), ("both", ">u8")])
_PARTS_TAG = 0xD7FF


def all_to_micros(moments: Sequence[datetime]) -> list[int]:
    """`to_micros` of each moment, ten times as fast where there are many.

    Python divides durations slowly. MessagePack writes a moment as its seconds (4 bytes), or as nanoseconds and seconds
    (30 and 34 bits), which NumPy turns into numbers.
    """
    count = len(moments)
    if count < _FEWEST or count > _MOST:
        return list(map(to_micros, moments))
    packed = _encode(moments)
    size = (len(packed) - _HEAD_BYTES) / count
    if size == _SECONDS.itemsize:
        seconds = np.frombuffer(packed, _SECONDS, offset=_HEAD_BYTES)["seconds"]
        whole: list[int] = (seconds.astype(np.int64) * 1_000_000).tolist()
        return whole
    parts = np.frombuffer(packed, _PARTS, offset=_HEAD_BYTES) if size == _PARTS.itemsize else None
    if parts is None or (parts["tag"] != _PARTS_TAG).any():  # not all are written in the same way
        return list(map(to_micros, moments))
    both = parts["both"].astype(np.uint64)  # the nanoseconds reach into the highest bit
    micros: list[int] = ((both & (2**34 - 1)) * 1_000_000 + (both >> 34) // 1000).tolist()
    return micros
