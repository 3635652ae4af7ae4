import numpy as np
import pandas as pd


def may_promote(old_errors, new_errors, groups):
    """The same with intervals from a bootstrap."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"difference": new_errors - old_errors, "group": groups})

    def interval(values):
        values = values.to_numpy()
        means = values[rng.integers(0, len(values), (400, len(values)))].mean(axis=1)
        return np.quantile(means, [0.02, 0.98])

    if interval(table["difference"])[1] >= 0:
        return False
    return all(interval(part)[0] <= 0 for _, part in table.groupby("group")["difference"])
