"""An alert: what somebody should look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Alert:
    """One rule that fired: what it saw, where, and what to do about it."""

    at: datetime
    rule: str
    what: str
    where: str
    hint: str
