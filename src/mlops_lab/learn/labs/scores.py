"""How good answers are."""

from __future__ import annotations

import math
from collections.abc import Sequence


def log_loss(answers: Sequence[float], truth: Sequence[bool]) -> float:
    """The mean of the logarithms of what the truth was given, with its sign changed."""
    given = (answer if true else 1 - answer for answer, true in zip(answers, truth, strict=True))
    return -sum(math.log(max(share, 1e-9)) for share in given) / len(truth)
