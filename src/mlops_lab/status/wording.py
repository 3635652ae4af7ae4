"""Counts, durations and decisions as text."""

from __future__ import annotations

from datetime import timedelta


def format_count(number: int, noun: str) -> str:
    """`1 request`, `1,234 requests`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def format_duration(duration: timedelta) -> str:
    """A duration in its largest unit: `12 s`, `5 min`, `3 h`, `2 days`. One below zero is `0 s`."""
    seconds = max(duration.total_seconds(), 0.0)
    for unit, size in (("day", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            whole = int(seconds // size)
            return format_count(whole, unit) if unit == "day" else f"{whole} {unit}"
    return f"{int(seconds)} s"


DECISION_TEXTS = {
    "retrain": "a candidate is to be trained",
    "refuse": "version {version} was refused",
    "bootstrap": "version {version} is live, the first",
    "shadow": "version {version} went into shadow",
    "supersede": "version {version} took the place of an earlier candidate in shadow",
    "canary": "version {version} answers a share of the keys",
    "promote": "version {version} was promoted",
    "pause": "the rollout of version {version} is paused",
    "resume": "the rollout of version {version} goes on",
    "split": "version {version} is in an A/B test",
    "ab_start": "an A/B test began",
    "ab_stop": "the A/B test ended",
    "ask_approval": "version {version} waits for approval",
    "approve": "version {version} was approved",
    "reject": "version {version} was rejected",
    "clock": "the clock was ahead",
    "expire": "the rollout of version {version} expired",
    "confirm": "the promotion of version {version} stays",
    "roll_back": "rolled back (version {version})",
}
"""A text for each kind of decision."""


def format_decision(what: str, version: int | None, *, rule: str = "") -> str:
    """What was decided about a version; `the candidate` where it did not become a version. `rule` is that of the
    decision: a refused trigger made no candidate."""
    if what == "refuse" and rule.startswith("triggers."):
        return "a trigger was refused"
    text = DECISION_TEXTS[what]
    if version is None:
        text = text.replace("version {version}", "the candidate")
    return text.format(version=version)
