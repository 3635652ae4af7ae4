import numpy as np


def harmful_columns(model, before, today):
    """The sorted names of the columns whose change matters."""
    rng = np.random.default_rng(0)
    usual = model(before).mean()
    harmful = []
    for name in before.columns:
        changed = before.assign(**{name: rng.choice(today[name], len(before))})
        if abs(model(changed).mean() - usual) > 0.05:
            harmful.append(name)
    return sorted(harmful)
