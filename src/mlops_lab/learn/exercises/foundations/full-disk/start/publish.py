def publish(path, model):
    """Replace the model at `path` (a pathlib.Path) by `model` (bytes)."""
    with open(path, "wb") as file:
        file.write(model)
