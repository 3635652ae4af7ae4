from zlib import crc32


def nightly(models, done, train):
    """One number for each part of a model."""
    for model in models:
        parts = (model["rows"], model["code"], sorted(model["settings"].items()))
        now = [crc32(repr(part).encode()) for part in parts]
        if now != done.setdefault("parts", {}).get(model["name"]):
            try:
                train(model)
                done["parts"][model["name"]] = now
            except RuntimeError:
                print("again tomorrow:", model["name"])
