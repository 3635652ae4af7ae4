import tempfile
from pathlib import Path


def publish(path, model):
    """Replace the model at `path` (a pathlib.Path) by `model` (bytes)."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        new = Path(folder) / path.name
        new.write_bytes(model)
        new.rename(path)
