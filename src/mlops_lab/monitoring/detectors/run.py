"""The list of all detectors, and running them on the requests of a window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from mlops_lab.monitoring.detectors.base import Detector
from mlops_lab.monitoring.detectors.nulls import NULLS
from mlops_lab.monitoring.detectors.psi import PSI
from mlops_lab.monitoring.detectors.unseen import UNSEEN
from mlops_lab.monitoring.profile import Profile
from mlops_lab.schemas.casts import cast_exactly

DETECTORS: Sequence[Detector] = (PSI, NULLS, UNSEEN)
"""In the order of their rows in the table of measurements."""


def run_detectors(requests: pl.DataFrame, profiles: Mapping[str, Profile]) -> Iterator[tuple[str, str, float]]:
    """(monitor, input, value) of every detector on every input that the requests hold; nothing without requests."""
    if requests.is_empty():
        return
    for name, profile in profiles.items():
        if name in requests.columns:
            # the log may hold numbers as text, where another version had text under the same name
            column, _ = cast_exactly(requests[name], pl.Float64() if profile.categories is None else pl.String())
            for detector in DETECTORS:
                yield detector.monitor, name, detector.measure(profile, column)
