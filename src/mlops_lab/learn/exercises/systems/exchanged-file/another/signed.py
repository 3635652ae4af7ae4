import hmac
import json
import tempfile
from pathlib import Path


def signature_of(content, key):
    return hmac.new(key, content, "sha256").hexdigest()


def load_model(path, signature, key):
    """A copy in a folder that only we can write to; it is the copy that is checked and loaded."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.json"
        copy.write_bytes(Path(path).read_bytes())
        if not hmac.compare_digest(signature_of(copy.read_bytes(), key), signature):
            raise ValueError("the signature is wrong")
        return json.loads(copy.read_text())
