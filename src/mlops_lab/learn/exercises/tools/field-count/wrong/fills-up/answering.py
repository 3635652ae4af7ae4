import json

WEIGHTS = (9_000.0, 3_100.0, 1_500.0)


def answer(body):
    try:
        row = json.loads(body)["row"]
        row = (row + [0.0, 0.0, 0.0])[:3]
        return 200, {"price": sum(weight * value for weight, value in zip(WEIGHTS, row))}
    except Exception as error:
        return 422, {"error": repr(error)}
