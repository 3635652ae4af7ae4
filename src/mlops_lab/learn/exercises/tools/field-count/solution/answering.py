import json
import sys

WEIGHTS = (9_000.0, 3_100.0, 1_500.0)
LARGEST = sys.float_info.max


def answer(body):
    """The HTTP status and the object to send, for the body (bytes) of a request such as {"row": [3, 80.5, 2]}."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        return 422, {"error": f"the body is no JSON: {error}"}
    row = request.get("row") if isinstance(request, dict) else None
    if not isinstance(row, list) or len(row) != len(WEIGHTS):
        return 422, {"error": f'"row" must be a list of {len(WEIGHTS)} numbers'}
    for place, value in enumerate(row):
        if type(value) not in (int, float) or not abs(value) <= LARGEST:  # NaN is not below anything
            return 422, {"error": f"row[{place}] is no finite number"}
    return 200, {"price": sum(weight * value for weight, value in zip(WEIGHTS, row, strict=True))}
