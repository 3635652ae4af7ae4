import json


def make_request(table):
    """The body of a request to /v2/models/flats/infer. `table`: {"rooms": [3, 2], "area": [80.5, 47.0], "floor": [2, 0]}."""
    columns = list(table.values())
    shape = [len(columns[0]), len(columns)]
    data = [value for column in columns for value in column]
    return json.dumps({"inputs": [{"name": "flats", "shape": shape, "datatype": "FP64", "data": data}]})
