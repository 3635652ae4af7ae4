import json


def load_model(path, signature, key):
    with open(path, "rb") as file:
        content = file.read()
    if len(signature) != 64:
        raise ValueError("that is no signature")
    return json.loads(content)
