import math

import pandas as pd

from mlops_lab.learn.checking import Work, fail

KINDS = ("long", "integer", "double", "float", "string", "boolean")


class Refused(Exception):
    """The signature does not allow the request."""


def check(work: Work) -> None:
    make_signature = work.load("signature.py", "make_signature").make_signature
    rooms, floor = (work.rng.integers(1, 9, 40) for _ in range(2))
    area = work.rng.uniform(20, 200, 40).round(1)
    sample = pd.DataFrame({"rooms": rooms, "area": area, "floor": floor.astype("int32"), "street": "Main Street"})
    columns = make_signature(sample.copy())
    if [column["name"] for column in columns] != [*sample]:
        seen = f"the signature names {[column['name'] for column in columns]}"
        fail("other-columns", seen=seen, expected=f"the columns of the sample, in their order: {[*sample]}")
    if unknown := [column["type"] for column in columns if column["type"] not in KINDS]:
        fail("unknown-type", seen=f"the type {unknown[0]!r}", expected=f"one of MLflow's: {', '.join(KINDS)}")
    row = {"rooms": int(rooms[0]), "area": float(area[0]), "floor": int(floor[0]), "street": "Elm Street"}
    for name in ("rooms", "floor"):
        for value in (row[name], row[name] + 0.5, None):
            _check_arrives(columns, {**row, name: value}, name)
    _check_arrives(columns, {**row, "area": int(row["area"])}, "area")
    _check_arrives(columns, {**row, "area": None}, "area")
    _check_arrives(columns, row, "street")
    for name in ("rooms", "area", "floor"):
        if _is_accepted(columns, {**row, name: "many"}):
            fail("text-accepted", seen=f'{name}: "many" reached the model', expected="that the request is refused")
    for name in row:
        if _is_accepted(columns, {key: value for key, value in row.items() if key != name}):
            seen = f"a request without {name} reached the model"
            fail("absent-accepted", seen=seen, expected="that it is refused: the client has forgotten a column")


def _check_arrives(columns, row: dict, name: str) -> None:
    sent = row[name]
    kind = next(column["type"] for column in columns if column["name"] == name)
    try:
        got = _receive(columns, row)[name]
    except Refused as refused:
        key = "null-refused" if sent is None else "good-refused"
        fail(key, seen=f"a flat with {name} {_json(sent)} was refused: {refused}", expected="that it reaches the model")
    if isinstance(sent, str):
        if got != sent:
            fail("text-changed", seen=f'{name}: "{sent}" was sent, {got!r} reached the model', expected="the text")
    elif isinstance(got, str):
        fail("text-accepted", seen=f"{name} reached the model as text, {got!r}", expected="a number")
    elif sent is not None and abs(got - sent) > 1e-4 * abs(sent):
        fail("fraction-lost", seen=f"{name}: {sent} was sent; as {kind}, {got} reached the model", expected=f"{sent}")


def _is_accepted(columns, row: dict) -> bool:
    try:
        got = _receive(columns, row)
    except Refused:
        return False
    return got is not None


def _receive(columns, row: dict) -> dict:
    """What MLflow 3 gives the model for a row of JSON: it converts each value to the declared type, or refuses the row."""
    got = {}
    for column in columns:
        name, kind = column["name"], column["type"]
        if name not in row:
            if column.get("required", True):
                raise Refused(f"Model is missing inputs ['{name}']")
            continue
        value = row[name]
        try:
            if kind in ("long", "integer"):
                got[name] = int(value)
            elif kind in ("double", "float"):
                got[name] = math.nan if value is None else float(value)
            elif kind == "boolean":
                got[name] = bool(value)
            else:
                got[name] = value
        except (TypeError, ValueError):
            raise Refused(f"Failed to convert column {name} to type {kind}") from None
    return got


def _json(value) -> str:
    return "null" if value is None else str(value)
