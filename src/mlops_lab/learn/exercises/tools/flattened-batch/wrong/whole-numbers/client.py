import json


def make_request(table):
    rows = list(zip(*table.values()))
    data = [round(value) for row in rows for value in row]
    return json.dumps({"inputs": [{"name": "flats", "shape": [len(rows), 3], "datatype": "INT64", "data": data}]})
