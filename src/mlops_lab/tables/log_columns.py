"""The columns of logged features. Users name features freely, and the log of predictions has columns of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable

LOG_COLUMNS = frozenset({"id", "at", "version", "role", "output", "shadow_version", "missing"})
"""The columns that `PREDICTIONS` has in every project."""
_PREFIX = "feature:"


def feature_column(name: str, request_names: Collection[str]) -> str:
    """The column of the log that holds a feature of a version whose requests have these fields: its name, with a prefix
    where that is the name of a request field or of a column of the log."""
    is_taken = name in LOG_COLUMNS or name in request_names or name.startswith(_PREFIX)
    return _PREFIX + name if is_taken else name


def feature_columns(inputs: Iterable[str], computed: Collection[str], request_names: Collection[str]) -> dict[str, str]:
    """The inputs of a version that its requests do not hold, each with the column of the log that holds it; `computed`
    are the values of its views and its derived features."""
    looked_up = [name for name in inputs if name in computed or name not in request_names]
    return {name: feature_column(name, request_names) for name in looked_up}
