"""Compressed bodies: as they were, or refused, and never more than the limit in memory."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import InvalidInput, TooLarge, WrongMedia
from mlops_lab.serving.http.compression import decompress

BIG = 10_000_000


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=3), st.integers(0, 700))
def test_a_body_is_what_was_compressed_or_too_large(parts: list[bytes], max_bytes: int) -> None:
    """Of one part or of several."""
    content, packed = b"".join(parts), b"".join(map(gzip.compress, parts))
    if len(content) > max_bytes:
        with pytest.raises(TooLarge):
            decompress(packed, b"gzip", max_bytes=max_bytes)
    else:
        assert decompress(packed, b" GZip ", max_bytes=max_bytes) == content


@pytest.mark.parametrize("coding", [b"", b"identity", b"Identity"])
def test_what_is_not_compressed_stays(coding: bytes) -> None:
    assert decompress(b"{}", coding, max_bytes=10) == b"{}"


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"deflate", b"gzip, gzip", b"deflate, gzip", b"\xff", b"gzip;q=1"])
def test_other_codings_are_refused(coding: bytes) -> None:
    with pytest.raises(WrongMedia) as caught:
        decompress(b"x", coding, max_bytes=10)
    assert caught.value.code == "compressed_body"
    assert all(caught.value.as_dict().values())


@given(st.binary(min_size=1, max_size=100) | st.integers(1, 15).map(lambda cut: gzip.compress(b"a" * 50)[:-cut]))
def test_what_is_no_gzip_is_an_error_of_the_client(body: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        decompress(body, b"gzip", max_bytes=1000)
    assert caught.value.code == "invalid_gzip"
    assert all(caught.value.as_dict().values())


@pytest.mark.parametrize("parts", [1, 1000])
def test_a_bomb_takes_no_more_memory_than_the_limit(parts: int) -> None:
    bomb = gzip.compress(b"\0" * (30 * BIG // parts), 1) * parts
    tracemalloc.start()
    with pytest.raises(TooLarge):
        decompress(bomb, b"gzip", max_bytes=BIG)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * BIG
