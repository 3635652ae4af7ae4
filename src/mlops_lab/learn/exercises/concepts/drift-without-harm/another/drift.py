import numpy as np


def harmful_columns(model, before, today):
    """The value of each row is replaced by that of the same rank today; no random numbers."""
    harmful = []
    for name in before.columns:
        ranks = before[name].rank(method="first").to_numpy()
        values = np.quantile(today[name], (ranks - 0.5) / len(before))
        if abs(model(before.assign(**{name: values})).mean() - model(before).mean()) > 0.05:
            harmful.append(name)
    return sorted(harmful)
