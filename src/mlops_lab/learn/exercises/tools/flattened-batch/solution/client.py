import json


def make_request(table):
    """The body of a request to /v2/models/flats/infer. `table`: {"rooms": [3, 2], "area": [80.5, 47.0], "floor": [2, 0]}."""
    rows = list(zip(*table.values(), strict=True))
    data = [value for row in rows for value in row]
    return json.dumps({"inputs": [{"name": "flats", "shape": [len(rows), len(table)], "datatype": "FP64", "data": data}]})
