"""What `mlops demo --json` prints."""

from __future__ import annotations

from mlops_lab.replay.summary import ReplaySummary


class DemoRecord(ReplaySummary, frozen=True, kw_only=True):
    """`mlops demo`: the summary of the replay."""

    schema_version: int = 1
