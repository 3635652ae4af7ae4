"""Bodies that a client has compressed: as they were before, within the limit of all bodies."""

from __future__ import annotations

import zlib

from mlops_lab.errors import InvalidInput, TooLarge, WrongMedia

_GZIP_BITS = 16 + zlib.MAX_WBITS


def decompress(body: bytes, coding: bytes, *, max_bytes: int) -> bytes:
    """The body without its coding (the header `Content-Encoding`). Never more than `max_bytes` are in memory.

    WrongMedia for other codings than gzip, TooLarge beyond the limit, InvalidInput for what is not gzip.
    """
    name = coding.strip().lower()
    if name in {b"", b"identity"}:
        return body
    if name not in {b"gzip", b"x-gzip"}:
        raise WrongMedia(
            f"the server does not read bodies in the coding {coding.decode('latin-1')!r}",
            code="compressed_body",
            where="header content-encoding",
            hint="send the body as it is, or compress it once with gzip",
        )
    parts, left = [], max_bytes + 1
    while body:  # a file of gzip may have several parts
        decoder = zlib.decompressobj(_GZIP_BITS)
        try:
            part = decoder.decompress(body, left)
        except zlib.error as error:
            raise _bad_gzip(str(error)) from None
        parts.append(part)
        left -= len(part)
        if left <= 0:
            raise too_large(max_bytes)
        if not decoder.eof:
            raise _bad_gzip("it is cut off")
        body = decoder.unused_data
    return b"".join(parts)


def too_large(max_bytes: int) -> TooLarge:
    """The error for a body beyond the limit."""
    return TooLarge(
        f"the body is larger than {max_bytes:,} bytes",
        code="body_too_large",
        where="$",
        hint="send fewer rows at a time, or raise serving.max_body_bytes",
    )


def _bad_gzip(what: str) -> InvalidInput:
    return InvalidInput(
        f"the body is not gzip, as content-encoding says: {what}",
        code="invalid_gzip",
        where="$",
        hint="compress the whole body with gzip, or leave the header out",
    )
