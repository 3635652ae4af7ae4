import json
from math import prod

from mlops_lab.learn.checking import Work, fail

NAMES = ("rooms", "area", "floor")
WEIGHTS = (9_000, 3_100, 1_500)
FLOATS, INTEGERS = ("FP64", "FP32"), ("INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8")


def check(work: Work) -> None:
    make_request = work.load("client.py", "make_request").make_request
    for count in (1, 2, 3, int(work.rng.integers(4, 9))):
        rows = [
            (
                int(work.rng.integers(1, 9)),
                round(20.5 + float(work.rng.uniform(0, 150)), 1),
                int(work.rng.integers(0, 9)),
            )
            for _ in range(count)
        ]
        table = {name: [row[place] for row in rows] for place, name in enumerate(NAMES)}
        got = _read(make_request(table), count)
        for number, (sent, row) in enumerate(zip(rows, got, strict=True)):
            if all(abs(a - b) < 1e-3 for a, b in zip(sent, row, strict=True)):
                continue
            place = f"flat {number + 1} of {count}"
            seen = f"{place}, {_show(sent)}, arrived as {_show(row)}: a price of {_price(row):,.0f}"
            expected = f"{_price(sent):,.0f}"
            fail("numbers-changed" if _is_rounded(sent, row) else "rows-mixed", seen=seen, expected=expected)


def _read(body: str | bytes, count: int) -> list[tuple]:
    """The rows that a server reads; Mistake where it would refuse the request."""
    request = json.loads(body)
    tensor = request["inputs"][0]
    shape, datatype, data = list(tensor["shape"]), tensor["datatype"], _flatten(tensor["data"])
    if len(request["inputs"]) != 1 or shape != [count, len(NAMES)]:
        shapes = [entry["shape"] for entry in request["inputs"]]
        seen = f"flats: {count}, numbers of each: {len(NAMES)}; the shapes of the inputs: {shapes}"
        fail("wrong-shape", seen=seen, expected=f"one input, of shape {[count, len(NAMES)]}")
    if len(data) != prod(shape):
        fail("wrong-shape", seen=f"the shape {shape}, and {len(data)} numbers", expected=f"{prod(shape)} numbers")
    if datatype not in (*FLOATS, *INTEGERS):
        fail("wrong-datatype", seen=f"the datatype {datatype!r}", expected="one of the protocol's, such as FP64")
    if datatype in INTEGERS and (odd := [value for value in data if value != int(value)]):
        seen = f"the datatype {datatype}, and the number {odd[0]}"
        fail("wrong-datatype", seen=seen, expected="a datatype that can hold each of the numbers")
    width = len(NAMES)
    return [tuple(data[start : start + width]) for start in range(0, len(data), width)]


def _flatten(data: list) -> list:
    return [value for entry in data for value in (_flatten(entry) if isinstance(entry, list) else [entry])]


def _is_rounded(sent, row) -> bool:
    return all(abs(a - b) <= 1 for a, b in zip(sent, row, strict=True))


def _price(row) -> float:
    return sum(weight * value for weight, value in zip(WEIGHTS, row, strict=True))


def _show(row) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in zip(NAMES, row, strict=True))
