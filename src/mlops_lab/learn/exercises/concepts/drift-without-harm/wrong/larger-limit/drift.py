def harmful_columns(model, before, today):
    moved = []
    for name in before.columns:
        shift = abs(today[name].mean() - before[name].mean())
        if shift > 4 * before[name].std():
            moved.append(name)
    return sorted(moved)
