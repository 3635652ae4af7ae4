def harmful_columns(model, before, today):
    if abs(model(today).mean() - model(before).mean()) <= 0.05:
        return []
    moved = []
    for name in before.columns:
        shift = abs(today[name].mean() - before[name].mean())
        if shift > 0.2 * before[name].std():
            moved.append(name)
    return sorted(moved)
