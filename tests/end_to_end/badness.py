"""Inputs that no server should be asked: bodies of every protocol with something wrong in them, and broken HTTP."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from typing import Any

from raw import http

Json = Any

NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "9" * 400, "9223372036854775808", "-0.0", "01"]
NUMBERS += ["1.7976931348623157e308", "5e-324", "0x10", "1_000", "+1", ".5", "1.", "--1", "1e", "٣"]
TEXTS = [
    r'"\ud800"',
    r'"\udfff\ud800"',
    r'"\u0000"',
    '"\x00"',
    '"a',
    '"' + "x" * 70_000 + '"',
    r'"\x41"',
    '"' + "é" * 9 + '"',
]
TEXTS += ['"9999-12-31T23:59:59.999999-23:59"', '"0001-01-01T00:00:00+23:59"', '"2024-02-30T00:00:00Z"', '"NaN"', '""']
DEEP = ["[" * 2000 + "]" * 2000, '{"a":' * 3000 + "1" + "}" * 3000, "[" * 100_000, '{"a":[' * 600]
SHAPES = [
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    '{"":0}',
    "[1,[2,[3]]]",
    '{"id":{"id":{}}}',
    "[[],[[]],{}]",
]
VALUES = [*NUMBERS, *TEXTS, *SHAPES]
WORDS = ["id", "asked_at", "depot", "items", "inputs", "instances", "dataframe_split", "dataframe_records", "columns"]
WORDS += [
    "data",
    "shape",
    "datatype",
    "name",
    "parameters",
    "binary_data_size",
    "outputs",
    "rows",
    "outcomes",
    "known_at",
]
METHODS = [
    "POST",
    "GET",
    "PUT",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "CONNECT",
    "PRI",
    "post",
    "",
    "P\x00ST",
    "M-SEARCH",
]
PATHS = [
    "/",
    "//",
    "/v1",
    "/v1/predict/",
    "/v1/tables//rows",
    "/v1/tables/%00/rows",
    "/v1/tables/..%2f..%2fx/rows",
    "*",
    "",
]
PATHS += [
    "/%ff%fe",
    "/%",
    "/%zz",
    "/v1/predict?x=%ff",
    "/v1/predict#x",
    "http://x/v1/predict",
    "/v2/models/%2e%2e/infer",
]
PATHS += [
    "/v2/models//infer",
    "/v2/models/x/versions/y/infer",
    "/docs/..%2f..%2fmlops.toml",
    "/docs/%2e%2e/x",
    "/" + "x" * 9000,
]
HEADERS = [
    "X-Request-Id: \x01",
    "X-Request-Id: " + "x" * 500,
    "Expect: 100-continue",
    "Expect: 200-maybe",
    "Host: \xff",
]
HEADERS += [
    "Content-Encoding: gzip",
    "Content-Type: text/csv",
    "Content-Type: application/octet-stream",
    "Content-Type: \xff;;=",
]
HEADERS += [
    "Content-Type: application/json; charset=utf-16",
    "Connection: Upgrade, close",
    "Upgrade: websocket",
    "A: " + "b" * 9000,
]
HEADERS += [
    "Inference-Header-Content-Length: " + size for size in ("0", "-1", "7", "99999999999999999999", "x", "1e3", "")
]
HEADERS += [
    "Authorization: Bearer",
    "Authorization: Bearer \xff",
    "Authorization: Basic eDp5",
    "Transfer-Encoding: identity",
]


class Badness:
    """An endless supply, the same for the same seed. `good`: what each path takes, as JSON data or text."""

    def __init__(self, good: list[tuple[str, Json]], token: str, seed: int) -> None:
        self._good = good
        self._token = f"Authorization: Bearer {token}"
        self._random = random.Random(seed)
        self._damages: list[Callable[[bytes], bytes]] = [
            lambda body: body[: self._random.randrange(len(body) + 1)],
            lambda body: self._insert(body, self._random.randbytes(self._random.randint(1, 6))),
            lambda body: self._insert(
                body, self._random.choice([b",", b"]", b"}", b"{", b'"', b"\\", b"\x00", b"\xff"])
            ),
            lambda body: self._flip(body),
            lambda body: b"\xef\xbb\xbf" + body,
            lambda body: body.decode("utf-8", "replace").encode("utf-16", "surrogatepass"),
            lambda body: body + body,
            lambda body: b"[" + body + b"]",
            lambda body: self._random.choice(DEEP).encode(),
            lambda body: gzip.compress(body),
            lambda body: self._random.randbytes(len(body)),
            lambda body: b"",
        ]

    def request(self) -> bytes:
        """A whole request of HTTP whose path, headers or body are wrong: it has exactly one answer."""
        path, data = self._random.choice(self._good)
        if self._random.random() < 0.1:  # a body of another protocol
            data = self._random.choice(self._good)[1]
        body = data.encode() if isinstance(data, str) else self._write(data).encode("utf-8", "surrogatepass")
        if self._random.random() < 0.35:
            body = self._random.choice(self._damages)(body)
        if self._random.random() < 0.03:
            path = self._random.choice([one for one in PATHS if one.startswith("/") and "%" not in one])
        headers = [self._token] if self._random.random() < 0.9 else []
        if self._random.random() < 0.15:
            headers.append(self._random.choice([one for one in HEADERS if one.isascii() and one.isprintable()]))
        return http("POST", path, body, *headers)

    def stream(self) -> bytes:
        """Bytes that are hardly HTTP: nobody knows how many answers they have."""
        whole = self.request()
        head, _, body = whole.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        pick = self._random.choice
        first = f"{pick(METHODS)} {pick(PATHS)} HTTP/{pick(['1.1', '1.0', '0.9', '2', '9.9', '1.1 ', ''])}".encode(
            "latin-1"
        )
        extra = pick(HEADERS).encode("latin-1")
        chunked = [line for line in lines if not line.startswith(b"Content-Length")] + [b"Transfer-Encoding: chunked"]
        sizes = [b"%x" % len(body), b"-1", b"ffffffffffffffffff", b"0x5", b"5;" + b"x" * 300, b"", b"\xff", b"1"]
        length = pick(
            [b"0", b"1", b"-5", b"1e2", b"99999999999999999999999", b"x", b"", b"3, 3", b"5\r\nContent-Length: 6"]
        )
        longer = [line for line in lines if not line.startswith(b"Content-Length")] + [b"Content-Length: " + length]
        match self._random.randrange(12):
            case 0:
                return b"\r\n".join([first, *lines[1:]]) + b"\r\n\r\n" + body
            case 1:
                return b"\r\n".join([*lines, extra]) + b"\r\n\r\n" + body
            case 2:
                return b"\r\n".join(chunked) + b"\r\n\r\n" + pick(sizes) + b"\r\n" + body + b"\r\n0\r\n\r\n"
            case 3:
                return b"\r\n".join(chunked) + b"\r\n\r\n" + self._chunks(body) + b"0\r\nTrailer: x\r\n\r\n"
            case 4:
                return (
                    b"\r\n".join([*lines, b"Transfer-Encoding: chunked"])
                    + b"\r\n\r\n"
                    + self._chunks(body)
                    + b"0\r\n\r\n"
                )
            case 5:
                return b"\r\n".join(longer) + b"\r\n\r\n" + body
            case 6:
                return whole[: self._random.randrange(len(whole))]
            case 7:
                return whole + whole + self.request() + whole[:-1]
            case 8:
                return self._random.randbytes(self._random.randint(1, 600))
            case 9:
                return self._flip(whole[: len(head)]) + whole[len(head) :]
            case 10:
                return b"\n".join(lines) + b"\n\n" + body
            case _:
                return b"\r\n".join([*lines, *([extra] * 30)]) + b"\r\n\r\n" + body

    def _write(self, data: Json) -> str:
        """The JSON text with up to three places in it replaced, doubled, renamed or left out."""
        places = _count(data)
        spoilt = {self._random.randrange(places) for _ in range(self._random.randint(1, 3))}
        return self._write_node(data, iter(range(places)), spoilt)

    def _write_node(self, node: Json, numbers: Any, spoilt: set[int]) -> str:
        if next(numbers) in spoilt:
            list(zip(range(_count(node) - 1), numbers, strict=False))
            return self._random.choice(VALUES if self._random.random() < 0.95 else DEEP)
        if isinstance(node, dict):
            parts = []
            for name, value in node.items():
                text = f"{json.dumps(name)}:{self._write_node(value, numbers, spoilt)}"
                chance = self._random.random()
                if chance < 0.04:
                    text = f'"{self._random.choice(WORDS)}":{text.partition(":")[2]}'
                elif chance < 0.07:
                    text = f"{text},{text}"
                if not 0.07 <= chance < 0.1:
                    parts.append(text)
            return "{" + ",".join(parts) + "}"
        if isinstance(node, list):
            return "[" + ",".join(self._write_node(value, numbers, spoilt) for value in node) + "]"
        return json.dumps(node)

    def _chunks(self, body: bytes) -> bytes:
        pieces = []
        while body:
            size = self._random.randint(1, 40)
            piece, body = body[:size], body[size:]
            pieces.append(b"%x\r\n%b\r\n" % (len(piece), piece))
        return b"".join(pieces[:200])

    def _insert(self, body: bytes, more: bytes) -> bytes:
        place = self._random.randrange(len(body) + 1)
        return body[:place] + more + body[place:]

    def _flip(self, body: bytes) -> bytes:
        if not body:
            return body
        place = self._random.randrange(len(body))
        return body[:place] + bytes([body[place] ^ (1 << self._random.randrange(8))]) + body[place + 1 :]


def _count(node: Json) -> int:
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return 1 + sum(map(_count, inner))
