def passes(fit, rows, labels, seed):
    """Whether the training code makes a good model."""
    model = fit(rows, labels)
    accuracy = (model(rows) == labels).mean()
    return accuracy > 0.7
