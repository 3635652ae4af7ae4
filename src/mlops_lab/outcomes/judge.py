"""The rule that decides which outcomes count. A pure function: the server and the tests use the same one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mlops_lab.tables.verdict import Verdict


def judge(
    known_at: datetime,
    values: Mapping[str, Any],
    *,
    predicted_at: datetime | None,
    earlier: tuple[datetime, Mapping[str, Any]] | None,
) -> Verdict:
    """The verdict on an outcome of a prediction made at `predicted_at` (None: there is no such prediction).

    `earlier` is the outcome that counts for it so far, if any. Of any sequence of outcomes at most one is accepted per
    prediction, so that a join with them never counts a prediction twice. One with other values that became known later
    corrects it.
    """
    if predicted_at is None:
        return Verdict.UNKNOWN
    if earlier is not None:
        if earlier == (known_at, values):
            return Verdict.DUPLICATE
        return Verdict.CORRECTED if known_at > earlier[0] and values != earlier[1] else Verdict.CONFLICT
    return Verdict.TOO_EARLY if known_at < predicted_at else Verdict.ACCEPTED
