"""A decision as `--json` prints it."""

from __future__ import annotations

from typing import Any

import msgspec

from mlops_lab.rollout.decisions import Decision


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One decision: when (ISO 8601), what, about which version, by which rule, why, on which evidence, by whom."""

    at: str
    what: str
    version: int | None
    rule: str
    reason: str
    by: str
    evidence: dict[str, Any]


def record_decision(decision: Decision) -> DecisionRecord:
    """The decision as a record."""
    return msgspec.convert(decision.as_dict(), DecisionRecord)
