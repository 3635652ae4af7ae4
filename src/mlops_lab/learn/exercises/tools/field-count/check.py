import json

from mlops_lab.learn.checking import Work, fail, given

MOST_SHOWN = 40
BAD = (
    b'{"row": [3, 80.5, 2, 1]}',
    b'{"row": [3, 80.5]}',
    b'{"row": []}',
    b'{"row": [3, NaN, 2]}',
    b'{"row": [3, 1e999, 2]}',
    b'{"row": [3, ' + b"9" * 400 + b", 2]}",
    b'{"row": [3, true, 2]}',
    b'{"row": [3, "80.5", 2]}',
    b'{"row": [3, null, 2]}',
    b'{"row": [3, [80.5], 2]}',
    b'{"row": "abc"}',
    b'{"row": {"0": 3, "1": 80.5, "2": 2}}',
    b'{"row": 3}',
    b'{"rows": [3, 80.5, 2]}',
    b"[3, 80.5, 2]",
    b"3",
    b"null",
    b"",
    b'{"row": [3, 80.5',
    b"\xff\xfe\x00",
    b"[" * 100_000,
)


def check(work: Work) -> None:
    answer = work.load("answering.py", "answer").answer
    for row in ([3, 80.5, 2], [0, 0, 0], *work.rng.uniform(1, 99, (5, 3)).round(2).tolist()):
        body = json.dumps({"row": row}).encode()
        with given(_show(body)):
            status, content = answer(body)
        price = 9_000 * row[0] + 3_100 * row[1] + 1_500 * row[2]
        if status != 200 or abs(content.get("price", -1) - price) > 1e-6:
            fail(
                "good-row-refused",
                seen=f"{_show(body)} → {status}, {content}",
                expected=f"200, and the price {price:,.2f}",
            )
    for body in BAD:
        with given(_show(body)):
            status, content = answer(body)
        if status == 200:
            seen = f"{_show(body)} → 200, {content}"
            fail("wrong-row-answered", seen=seen, expected="422: a row is exactly three finite numbers")
        if status != 422:
            fail("wrong-status", seen=f"{_show(body)} → {status}", expected="422: the client is wrong, not the server")
        if not isinstance(content, dict) or not str(content.get("error", "")):
            fail("no-reason", seen=f"{_show(body)} → 422, {content}", expected='{"error": …} with a reason')


def _show(body: bytes) -> str:
    text = body.decode(errors="backslashreplace") or "an empty body"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}… ({len(text):,} characters)"
