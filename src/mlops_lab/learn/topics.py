"""The topics of the course, and the exercises about each: the index at the end of docs/learn.md."""

from __future__ import annotations

TOPICS: dict[str, dict[str, tuple[str, ...]]] = {
    "foundations": {
        "pandas, NumPy, scikit-learn: a leak before the split": ("selection-before-split",),
        "pandas, NumPy, scikit-learn: types of columns": ("ids-as-floats",),
        "pandas, NumPy, scikit-learn: silent NaN": ("silent-nan",),
        "pandas, NumPy, scikit-learn: missing rows": ("truncated-file",),
        "pandas, NumPy, scikit-learn: unseeded": ("unseeded",),
        "Docker: layers": ("docker-layers",),
        "Docker: secrets": ("docker-secret",),
        "Docker: not root": ("not-root",),
        "Docker: signals": ("term-signal",),
        "Git: what to keep out": ("ignored-files",),
        "Git: branches": ("reverted-merge",),
        "Git: bisecting a bad model": ("bisect",),
        "Linux: exit codes": ("pipe-exit-code", "bisect"),
        "Linux: pipes": ("pipe-exit-code",),
        "Linux: processes": ("stale-lock", "term-signal"),
        "Linux: cron": ("cron-environment",),
        "Linux: a full disk": ("full-disk",),
    },
    "concepts": {
        "Reproducibility": ("hashed-words", "unseeded"),
        "Versions of code, data and model": ("data-version",),
        "Data contracts": ("unit-change",),
        "Point-in-time features": ("revised-facts",),
        "Leakage": ("selection-before-split", "same-patient", "revised-facts"),
        "Training-serving skew": ("two-implementations",),
        "CI for models": ("always-green",),
        "Gates": ("hidden-slice",),
        "Drift against harm": ("drift-without-harm",),
        "Calibration": ("undersampling",),
        "A/B tests: peeking": ("peeking",),
        "Late labels": ("late-labels",),
    },
    "tools": {
        "A serving API and its protocols": ("field-count",),
        "Alerts with Prometheus": ("silent-metric",),
        "An orchestrator": ("retried-task",),
    },
    "systems": {
        "Design a loop": ("interrupted-tick",),
        "Rollback under fire": ("rollback-target",),
        "Security: pickle": ("pickled-model",),
        "Security: tokens": ("stored-tokens", "docker-secret"),
        "Security: signing": ("exchanged-file",),
        "Compliance: forget": ("forgotten-person",),
        "Compliance: audit": ("decision-chain",),
        "Compliance: approval": ("moved-approval",),
        "Cost": ("trained-again",),
        "Capacity and scale": ("capacity",),
        "Incidents: game days with a clock": ("game-day",),
    },
}
"""By phase and topic, the names of exercises. An exercise may be about several."""
