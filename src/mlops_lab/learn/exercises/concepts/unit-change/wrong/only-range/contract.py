def broken_columns(known, today):
    broken = []
    for name in known.columns:
        if name not in today.columns or today[name].dtype != known[name].dtype:
            broken.append(name)
        elif known[name].dtype.kind in "if":
            if today[name].min() < known[name].min() * 0.5 or today[name].max() > known[name].max() * 2:
                broken.append(name)
        elif set(today[name]) - set(known[name]):
            broken.append(name)
    return sorted(broken)
