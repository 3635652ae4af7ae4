import os


def publish(path, model):
    """Replace the model at `path` (a pathlib.Path) by `model` (bytes)."""
    temporary = path.with_name(f"{path.name}.new")
    try:
        with open(temporary, "wb") as file:
            file.write(model)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
