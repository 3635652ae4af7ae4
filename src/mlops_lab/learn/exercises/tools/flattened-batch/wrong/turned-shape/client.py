import json


def make_request(table):
    columns = list(table.values())
    data = [value for column in columns for value in column]
    shape = [len(columns), len(columns[0])]
    return json.dumps({"inputs": [{"name": "flats", "shape": shape, "datatype": "FP64", "data": data}]})
