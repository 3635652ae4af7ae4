def make_signature(sample):
    """The inputs of a signature, as in MLflow's file MLmodel. `sample`: rows of the training data, a pandas DataFrame."""
    return [
        {"name": name, "type": "double" if dtype.kind in "iuf" else "string", "required": True}
        for name, dtype in sample.dtypes.items()
    ]
