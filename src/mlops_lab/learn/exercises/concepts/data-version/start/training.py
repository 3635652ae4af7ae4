def fit(rows):
    return round(sum(rows) / len(rows), 6)


def train(store, table, tag):
    """A new model, and the record from which it can be rebuilt."""
    model = fit(store.read(table, tag))
    return model, {"table": table, "version": tag}


def rebuild(store, record):
    """The model of this record."""
    return fit(store.read(record["table"], record["version"]))
