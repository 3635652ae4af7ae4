import tempfile
from pathlib import Path


def publish(path, model):
    with tempfile.TemporaryDirectory() as folder:
        new = Path(folder) / "model.bin"
        new.write_bytes(model)
        path.unlink()
        new.rename(path)
