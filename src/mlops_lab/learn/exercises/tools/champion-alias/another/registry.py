import json
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen


def live_version(uri, model):
    """Asks for the alias itself: status 400 means that there is none."""
    query = urlencode({"name": model, "alias": "champion"})
    try:
        with urlopen(f"{uri}/api/2.0/mlflow/registered-models/alias?{query}", timeout=5) as response:
            return int(json.load(response)["model_version"]["version"])
    except HTTPError as error:
        if error.code == 400 and "not found" in json.load(error)["message"]:
            return None
        raise
