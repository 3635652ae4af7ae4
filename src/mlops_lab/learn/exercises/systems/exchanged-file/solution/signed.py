import hmac
import json


def signature_of(content, key):
    return hmac.new(key, content, "sha256").hexdigest()


def load_model(path, signature, key):
    """The model in a file, if its signature is right; ValueError otherwise."""
    with open(path, "rb") as file:
        content = file.read()
    if not hmac.compare_digest(signature_of(content, key), signature):
        raise ValueError("the signature is wrong")
    return json.loads(content)
