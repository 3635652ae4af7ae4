import json
from math import isfinite


def answer(body):
    try:
        rooms, area, floor = json.loads(body)["row"]
        assert all(isfinite(x) and x is not True for x in (rooms, area, floor))
        return 200, {"price": 9_000.0 * rooms + 3_100.0 * area + 1_500.0 * floor}
    except Exception as error:
        return 500, {"error": repr(error)}
