TYPES = {"float64": "double", "object": "string", "str": "string"}


def make_signature(sample):
    """Puts a row with a null of each number below the sample, and reads the types then."""
    numbers = sample.select_dtypes("number").columns
    realistic = sample.astype({name: "float64" for name in numbers})
    realistic.loc[len(realistic), numbers] = None
    return [
        {"name": name, "type": TYPES.get(str(dtype), "string"), "required": True} for name, dtype in realistic.dtypes.items()
    ]
