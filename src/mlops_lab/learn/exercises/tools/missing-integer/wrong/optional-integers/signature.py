TYPES = {"int64": "long", "int32": "integer", "float64": "double", "float32": "float", "object": "string", "str": "string"}


def make_signature(sample):
    return [
        {"name": name, "type": TYPES[str(dtype)], "required": dtype.kind not in "iu"}
        for name, dtype in sample.dtypes.items()
    ]
