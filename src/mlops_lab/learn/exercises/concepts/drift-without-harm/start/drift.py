def harmful_columns(model, before, today):
    """The sorted names of the columns whose change matters."""
    moved = []
    for name in before.columns:
        shift = abs(today[name].mean() - before[name].mean())
        if shift > 0.2 * before[name].std():
            moved.append(name)
    return sorted(moved)
