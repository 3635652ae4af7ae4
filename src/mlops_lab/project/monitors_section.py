"""The sections `[monitoring]` and `[[monitors]]` of `mlops.toml`: which changes are told, and how loudly."""

from __future__ import annotations

from typing import Annotated, Literal

from mlops_lab.project.base import Config, Positive, means

WATCHED_DETECTORS = (
    "jensen_shannon",
    "joint_drift",
    "prediction",
    "nulls",
    "unseen",
    "volume",
    "freshness",
    "outcome_lag",
    "calibration",
    "excess_loss",
    "skill",
    "quality",
    "slice_excess_loss",
    "slice_skill",
    "slice_rmse",
    "estimate",
    "estimate_error",
    "drift",
    "kolmogorov_smirnov",
    "wasserstein",
    "shift",
    "new_values",
    "chi_squared",
    "business_value",
    "contract_breaches",
    "deliveries",
    "server_errors",
    "latency",
    "ab_test",
)
"""The detectors that a rule may be about; `tests/monitoring/test_rules.py` compares them with those that there are."""
OF_INPUTS = (
    *("jensen_shannon", "nulls", "unseen", "drift", "kolmogorov_smirnov", "wasserstein", "shift", "new_values"),
    "chi_squared",
)
OF_SLICES = ("slice_excess_loss", "slice_skill", "slice_rmse")


class MonitoringSection(Config, frozen=True, kw_only=True):
    """`[monitoring]`: how often a change may be told that is none."""

    budget_days: Annotated[
        Positive, means("the days in which all monitors together raise one false alarm at most, on average")
    ] = 90.0


class MonitorSection(Config, frozen=True, kw_only=True):
    """`[[monitors]]`: a rule about some of what is measured each day; the first that fits counts, and the default rules
    for the rest."""

    detector: Annotated[
        str,
        means("what is measured; empty: everything about the feature or the slice", suggest=list(WATCHED_DETECTORS)),
    ] = ""
    feature: Annotated[str, means("the input that it is about; empty: all")] = ""
    slice: Annotated[
        str, means('the group of requests that it is about, of a field of `gates.slices`: `"origin=EWR"`; empty: all')
    ] = ""
    severity: Annotated[
        Literal["page", "note", "off"],
        means('`"page"`: somebody must look; `"note"`: it is only listed; `"off"`: it is not watched'),
    ] = "page"
    smallest: Annotated[
        Positive | None,
        means("changes up to this do not matter, in the unit of the detector; none: that of the default rule"),
    ] = None
