def broken_columns(known, today):
    broken = []
    for name in known.columns:
        if name not in today.columns or today[name].dtype != known[name].dtype:
            broken.append(name)
        elif known[name].dtype.kind in "if":
            if not 1 / 3 < today[name].median() / known[name].median() < 3:
                broken.append(name)
        elif set(today[name]) != set(known[name]):
            broken.append(name)
    return sorted(broken)
