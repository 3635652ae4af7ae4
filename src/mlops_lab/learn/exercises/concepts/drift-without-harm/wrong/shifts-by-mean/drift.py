def harmful_columns(model, before, today):
    harmful = []
    for name in before.columns:
        shift = today[name].mean() - before[name].mean()
        changed = before.assign(**{name: before[name] + shift})
        if abs(model(changed).mean() - model(before).mean()) > 0.05:
            harmful.append(name)
    return sorted(harmful)
