import json

WEIGHTS = (9_000.0, 3_100.0, 1_500.0)


def answer(body):
    row = json.loads(body)["row"]
    if len(row) != 3 or any(value != value or abs(value) > 1e300 or value is True for value in row):
        return 422, {"error": "three numbers"}
    return 200, {"price": sum(weight * value for weight, value in zip(WEIGHTS, row))}
