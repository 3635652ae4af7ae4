def broken_columns(known, today):
    """The sorted names of the columns of today that break what is known of the days before."""
    broken = []
    for name in known.columns:
        if name not in today.columns or today[name].dtype != known[name].dtype:
            broken.append(name)
    return sorted(broken)
