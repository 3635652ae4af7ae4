"""An alert: what somebody should look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mlops_lab.clock import to_micros
from mlops_lab.ids import hash_json

_ID_DIGITS = 10


@dataclass(frozen=True)
class Alert:
    """One rule that fired: what it saw, where, and what to do about it.

    `about` is what it is about, in words that stay the same from day to day ("feature load"): a rule that fires again
    about the same adds to the alert before. Empty: `where`. The runbook is that of the rule: see `runbooks`.
    """

    at: datetime
    rule: str
    what: str
    where: str
    hint: str
    about: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same alert as another one: the rule, and what it is about."""
        return self.rule, self.about or self.where

    @property
    def id(self) -> str:
        """Ten hexadecimal digits, of its key and its moment."""
        return hash_json([*self.key, to_micros(self.at)])[:_ID_DIGITS]
