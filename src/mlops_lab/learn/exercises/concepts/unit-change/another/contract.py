import numpy as np


def broken_columns(known, today):
    """Numbers: three quarters of the rows on one side of what half of the rows were is another scale."""
    broken = set(known.columns) - set(today.columns)
    for name in set(known.columns) & set(today.columns):
        before, now = known[name], today[name]
        if before.dtype != now.dtype:
            broken.add(name)
        elif before.dtype.kind in "if":
            gap = np.log(now.clip(lower=1e-9)).quantile([0.25, 0.5, 0.75]) - np.log(before.clip(lower=1e-9)).quantile([0.25, 0.5, 0.75])
            if np.abs(gap).min() > np.log(2.5):
                broken.add(name)
        elif not now.isin(before.unique()).all():
            broken.add(name)
    return sorted(broken)
