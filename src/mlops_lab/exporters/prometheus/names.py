"""The names of metrics, from where they are declared: what the server writes and what is asked for cannot differ."""

from __future__ import annotations

from mlops_lab.serving.http.prometheus import COUNTERS, GAUGES, LATENCY

JOB = "mlops"
"""The name of the scrape job."""


def metric(family: str) -> str:
    """The name of a counter or gauge, by its family."""
    return {**COUNTERS, **GAUGES}[family][0]


def latency(part: str) -> str:
    """A series of the histogram of durations: `bucket`, `sum` or `count`."""
    return f"{LATENCY[0]}_{part}"


def percentile(share: float, *, by: str = "") -> str:
    """The expression of a percentile of durations in seconds, over five minutes."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({latency('bucket')}[5m])))"


def rate(family: str, *, by: str = "", where: str = "") -> str:
    """The expression of how much a counter grows in a second, over five minutes; all of its series as one, or `by`
    labels. `where`: labels to choose series by."""
    chosen = f"{{{where}}}" if where else ""
    return f"sum{f' by ({by})' if by else ''} (rate({metric(family)}{chosen}[5m]))"
