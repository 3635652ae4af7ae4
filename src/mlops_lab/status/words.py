"""Figures in words."""

from __future__ import annotations

from datetime import timedelta


def count(number: int, thing: str) -> str:
    """`1 request`, `1,234 requests`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def span(length: timedelta) -> str:
    """A length of time to its largest unit: `12 s`, `5 min`, `3 h`, `2 days`."""
    seconds = max(length.total_seconds(), 0.0)
    for unit, size in (("day", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            whole = int(seconds // size)
            return count(whole, unit) if unit == "day" else f"{whole} {unit}"
    return f"{int(seconds)} s"


DECIDED = {
    "retrain": "a candidate is to be trained",
    "refuse": "version {version} was refused",
    "bootstrap": "version {version} is live, the first",
    "shadow": "version {version} went into shadow",
    "canary": "version {version} answers a share of the keys",
    "promote": "version {version} was promoted",
    "split": "version {version} is in an A/B test",
    "roll_back": "rolled back (version {version})",
}
"""The kinds of decision, for a person."""


def decided(what: str, version: int | None) -> str:
    """A decision of this kind, about a version or about a candidate that did not become one."""
    text = DECIDED[what] if version is not None else DECIDED[what].replace("version {version}", "the candidate")
    return text.format(version=version)
