import json


def make_request(table):
    rows = list(zip(*(table[name] for name in sorted(table))))
    data = [value for row in rows for value in row]
    return json.dumps({"inputs": [{"name": "flats", "shape": [len(rows), 3], "datatype": "FP64", "data": data}]})
