def fit(rows):
    return round(sum(rows) / len(rows), 6)


def train(store, table, tag):
    model = fit(store.read(table, tag))
    return model, {"table": table, "version": store.find(table, tag)}


def rebuild(store, record):
    return fit(store.read(record["table"], record["version"]))
