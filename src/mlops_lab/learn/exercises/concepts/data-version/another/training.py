def fit(rows):
    return round(sum(rows) / len(rows), 6)


def train(store, table, tag):
    """The record is made first; a model is only ever made from a record."""
    record = {"what": f"{table}@{store.find(table, tag)}"}
    return rebuild(store, record), record


def rebuild(store, record):
    table, _, version = record["what"].rpartition("@")
    return fit(store.read(table, int(version)))
