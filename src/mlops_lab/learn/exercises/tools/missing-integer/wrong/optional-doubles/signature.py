def make_signature(sample):
    return [
        {"name": name, "type": "double" if dtype.kind in "iuf" else "string", "required": dtype.kind not in "iuf"}
        for name, dtype in sample.dtypes.items()
    ]
