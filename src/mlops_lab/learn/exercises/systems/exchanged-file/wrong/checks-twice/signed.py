import hmac
import json


def signature_of(content, key):
    return hmac.new(key, content, "sha256").hexdigest()


def verify(path, signature, key):
    if not hmac.compare_digest(signature_of(open(path, "rb").read(), key), signature):
        raise ValueError("the signature is wrong")


def load_model(path, signature, key):
    verify(path, signature, key)
    model = json.loads(open(path).read())
    verify(path, signature, key)
    return model
