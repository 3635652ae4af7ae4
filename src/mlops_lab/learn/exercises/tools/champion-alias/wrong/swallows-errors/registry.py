import json
from urllib.parse import urlencode
from urllib.request import urlopen


def ask(uri, what, **query):
    with urlopen(f"{uri}/api/2.0/mlflow/{what}?{urlencode(query)}", timeout=5) as response:
        return json.load(response)


def live_version(uri, model):
    try:
        found = ask(uri, "registered-models/alias", name=model, alias="champion")
        return int(found["model_version"]["version"])
    except Exception:
        return None
