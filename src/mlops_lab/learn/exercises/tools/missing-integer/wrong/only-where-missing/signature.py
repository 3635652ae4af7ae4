TYPES = {"int64": "long", "int32": "integer", "float64": "double", "float32": "float", "object": "string", "str": "string"}


def make_signature(sample):
    has_gaps = sample.isna().any()
    return [
        {"name": name, "type": "double" if has_gaps[name] else TYPES[str(dtype)], "required": True}
        for name, dtype in sample.dtypes.items()
    ]
