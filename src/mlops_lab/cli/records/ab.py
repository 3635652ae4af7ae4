"""What `mlops ab` prints with `--json`."""

from __future__ import annotations

from mlops_lab.cli.records.decisions import MadeDecision


class ABDecisionRecord(MadeDecision, frozen=True, kw_only=True):
    """`mlops ab start | stop`: the decision, the champion after it, and the share of keys of each other version."""

    champion: int | None
    arms: dict[str, float]
