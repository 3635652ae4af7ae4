"""The lists of all detectors, and running them on the requests of a window."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import polars as pl

from mlops_lab.monitoring.detectors.ab_test import AB_TEST
from mlops_lab.monitoring.detectors.answer_calibration import CALIBRATION
from mlops_lab.monitoring.detectors.answer_quality import QUALITY
from mlops_lab.monitoring.detectors.base import (
    AnswerDetector,
    Detector,
    JointDetector,
    Operations,
    OperationsDetector,
    Seen,
)
from mlops_lab.monitoring.detectors.business_value import BUSINESS_VALUE
from mlops_lab.monitoring.detectors.chi_squared import CHI_SQUARED
from mlops_lab.monitoring.detectors.contract_breaches import CONTRACT_BREACHES
from mlops_lab.monitoring.detectors.deliveries import DELIVERIES
from mlops_lab.monitoring.detectors.estimate import ESTIMATE, ESTIMATE_ERROR
from mlops_lab.monitoring.detectors.excess_loss import EXCESS_LOSS
from mlops_lab.monitoring.detectors.freshness import FRESHNESS
from mlops_lab.monitoring.detectors.jensen_shannon import JENSEN_SHANNON
from mlops_lab.monitoring.detectors.joint import JOINT
from mlops_lab.monitoring.detectors.kolmogorov_smirnov import KOLMOGOROV_SMIRNOV
from mlops_lab.monitoring.detectors.latency import LATENCY
from mlops_lab.monitoring.detectors.new_values import NEW_VALUES
from mlops_lab.monitoring.detectors.nulls import NULLS
from mlops_lab.monitoring.detectors.outcome_lag import OUTCOME_LAG
from mlops_lab.monitoring.detectors.prediction_drift import PREDICTIONS
from mlops_lab.monitoring.detectors.psi import PSI
from mlops_lab.monitoring.detectors.server_errors import SERVER_ERRORS
from mlops_lab.monitoring.detectors.shift import SHIFT
from mlops_lab.monitoring.detectors.skill import SKILL
from mlops_lab.monitoring.detectors.slices import SLICE_EXCESS_LOSS, SLICE_RMSE, SLICE_SKILL
from mlops_lab.monitoring.detectors.unseen import UNSEEN
from mlops_lab.monitoring.detectors.volume import VOLUME
from mlops_lab.monitoring.detectors.wasserstein import WASSERSTEIN
from mlops_lab.monitoring.profile import Profile
from mlops_lab.schemas.casts import cast_exactly

DETECTORS: Sequence[Detector] = (
    PSI,
    NULLS,
    UNSEEN,
    KOLMOGOROV_SMIRNOV,
    JENSEN_SHANNON,
    WASSERSTEIN,
    SHIFT,
    NEW_VALUES,
    CHI_SQUARED,
)
"""Of each input, in the order of their rows in the table of measurements."""
JOINT_DETECTORS: Sequence[JointDetector] = (JOINT,)
"""Of all inputs together."""
ANSWER_DETECTORS: Sequence[AnswerDetector] = (
    VOLUME,
    QUALITY,
    EXCESS_LOSS,
    SKILL,
    SLICE_EXCESS_LOSS,
    SLICE_SKILL,
    SLICE_RMSE,
    ESTIMATE,
    ESTIMATE_ERROR,
    CALIBRATION,
    PREDICTIONS,
    FRESHNESS,
    OUTCOME_LAG,
    BUSINESS_VALUE,
)
"""Of what a version answered, and of the outcomes."""
OPERATIONS_DETECTORS: Sequence[OperationsDetector] = (CONTRACT_BREACHES, DELIVERIES, SERVER_ERRORS, LATENCY, AB_TEST)
"""Of what happened beside answers."""
_ALL = "all inputs"

Measured = tuple[str, str, float]


def run_detectors(
    requests: pl.DataFrame, profiles: Mapping[str, Profile], *, only: Collection[str] | None = None
) -> Iterator[Measured]:
    """(monitor, input, value) of every detector, or of `only` some, on every input that the requests hold, and on all
    of them together; nothing without requests."""
    if requests.is_empty():
        return
    columns = {}
    for name, profile in profiles.items():
        if name in requests.columns:
            # the log may hold numbers as text, where another version had text under the same name
            dtype = pl.Float64() if profile.categories is None else pl.String()
            columns[name], _ = cast_exactly(requests[name], dtype)
            for detector in DETECTORS:
                if detector.needs(profile) and (only is None or detector.monitor in only):
                    yield detector.monitor, name, detector.measure(profile, columns[name])
    for joint in JOINT_DETECTORS:
        if only is not None and joint.monitor not in only:
            continue
        if (value := joint.measure(profiles, columns)) is not None:
            yield joint.monitor, _ALL, value


def run_answer_detectors(seen: Seen) -> Iterator[Measured]:
    """(monitor, name, value) of every detector of answers."""
    for detector in ANSWER_DETECTORS:
        for name, value in detector.measure(seen):
            if value is not None:
                yield detector.monitor, name, value


def run_operations_detectors(seen: Operations) -> Iterator[Measured]:
    """(monitor, name, value) of every detector of what happened beside answers."""
    for detector in OPERATIONS_DETECTORS:
        for name, value in detector.measure(seen):
            if value is not None:
                yield detector.monitor, name, value
