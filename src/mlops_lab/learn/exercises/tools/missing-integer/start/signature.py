TYPES = {"int64": "long", "int32": "integer", "float64": "double", "float32": "float", "object": "string", "str": "string"}


def make_signature(sample):
    """The inputs of a signature, as in MLflow's file MLmodel. `sample`: rows of the training data, a pandas DataFrame."""
    return [
        {"name": name, "type": TYPES[str(dtype)], "required": True}
        for name, dtype in sample.dtypes.items()
    ]
