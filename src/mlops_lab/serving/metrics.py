"""What the server counted since it started, in the text format that Prometheus reads."""

from __future__ import annotations

from collections.abc import Mapping

_FAMILIES = {
    "answered": ("mlops_predictions_total", "Requests that were answered.", ("version", "role")),
    "refused": ("mlops_refused_total", "Requests refused because a view knew nothing of them.", ("view", "reason")),
    "missing": ("mlops_missing_features_total", "Views that answered with defaults.", ("view", "reason")),
}


def write_metrics(counted: Mapping[tuple[str, str, str], int]) -> bytes:
    """The counts by (family, first label, second label), families and labels in a fixed order."""
    lines = []
    for family, (name, meaning, labels) in _FAMILIES.items():
        lines += [f"# HELP {name} {meaning}", f"# TYPE {name} counter"]
        for (found, first, second), count in sorted(counted.items()):
            if found == family:
                lines.append(f'{name}{{{labels[0]}="{_quote(first)}",{labels[1]}="{_quote(second)}"}} {count}')
    return ("\n".join(lines) + "\n").encode()


def _quote(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
