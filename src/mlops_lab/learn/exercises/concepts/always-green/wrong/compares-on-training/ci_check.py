def passes(fit, rows, labels, seed):
    model = fit(rows, labels)
    accuracy = (model(rows) == labels).mean()
    return accuracy >= max(labels.mean(), 1 - labels.mean()) + 0.05
