import json


def make_request(table):
    rows = list(zip(*table.values()))
    data = [value for row in rows for value in row]
    datatype = "INT64" if isinstance(data[0], int) else "FP64"
    return json.dumps({"inputs": [{"name": "flats", "shape": [len(rows), 3], "datatype": datatype, "data": data}]})
