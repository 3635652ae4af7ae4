import json
from hashlib import sha256


def nightly(models, done, train):
    for model in models:
        now = sha256(json.dumps(model["rows"]).encode()).hexdigest()
        if done.get(model["name"]) != now:
            try:
                train(model)
                done[model["name"]] = now
            except RuntimeError:
                pass
