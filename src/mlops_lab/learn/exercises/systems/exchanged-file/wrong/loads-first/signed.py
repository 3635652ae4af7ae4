import hmac
import json


def signature_of(content, key):
    return hmac.new(key, content, "sha256").hexdigest()


def load_model(path, signature, key):
    with open(path) as file:
        model = json.load(file)
    with open(path, "rb") as file:
        if not hmac.compare_digest(signature_of(file.read(), key), signature):
            raise ValueError("the signature is wrong")
    return model
