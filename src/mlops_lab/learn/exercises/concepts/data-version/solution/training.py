def fit(rows):
    return round(sum(rows) / len(rows), 6)


def train(store, table, tag):
    """A new model, and the record from which it can be rebuilt."""
    version = store.find(table, tag)
    return fit(store.read(table, version)), {"table": table, "version": version}


def rebuild(store, record):
    """The model of this record."""
    return fit(store.read(record["table"], record["version"]))
