import json
from urllib.parse import urlencode
from urllib.request import urlopen


def ask(uri, what, **query):
    with urlopen(f"{uri}/api/2.0/mlflow/{what}?{urlencode(query)}", timeout=5) as response:
        return json.load(response)


def live_version(uri, model):
    found = ask(uri, "model-versions/search", filter=f"name='{model}'")
    return max((int(version["version"]) for version in found["model_versions"]), default=None)
