from pandas.api.types import is_numeric_dtype


def broken_columns(known, today):
    """The sorted names of the columns of today that break what is known of the days before."""
    return sorted(name for name in known.columns if name not in today.columns or is_broken(known[name], today[name]))


def is_broken(known, today):
    if today.dtype != known.dtype:
        return True
    if not is_numeric_dtype(known):
        return bool(set(today) - set(known))
    ratio = today.median() / known.median()
    return not 1 / 3 < ratio < 3
