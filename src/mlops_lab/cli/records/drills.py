"""What `mlops drill list --json` and `mlops drill run --json` print."""

from __future__ import annotations

from msgspec import Struct

from mlops_lab.drills.drill import Drill, DrillResult


class DrillRow(Struct, frozen=True, kw_only=True):
    """A drill and its target: the seconds until the fault is named and until it is over, on the clock of the copy, and
    the share of predictions (0 to 1) that it may harm."""

    name: str
    summary: str
    needs_days: bool
    detect_within_seconds: float
    recover_within_seconds: float
    max_harmed_share: float
    max_false_actions: int


class DrillsRecord(Struct, frozen=True, kw_only=True):
    """`mlops drill list`: all drills."""

    schema_version: int = 1
    drills: list[DrillRow]


class DrillResultRow(Struct, frozen=True, kw_only=True):
    """What a drill has shown. Seconds are those from the beginning of the fault, on the clock of the copy; None: never
    in the time that was played. `misses`: the parts of the target that were not met; empty where all were."""

    name: str
    fault: str
    target: DrillRow
    detected_seconds: float | None
    detected_by: str
    recovered_seconds: float | None
    requests: int
    harmed: int
    false_actions: list[str]
    misses: list[str]
    took_seconds: float


class DrillRunRecord(Struct, frozen=True, kw_only=True):
    """`mlops drill run`: the result of each drill, and whether all targets were met."""

    schema_version: int = 1
    project: str
    passed: bool
    results: list[DrillResultRow]


def record_drill(drill: Drill) -> DrillRow:
    """The record of a drill."""
    target = drill.target
    return DrillRow(
        name=drill.name,
        summary=drill.summary,
        needs_days=drill.needs_days,
        detect_within_seconds=target.detect.total_seconds(),
        recover_within_seconds=target.recover.total_seconds(),
        max_harmed_share=target.harmed_share,
        max_false_actions=target.false_actions,
    )


def record_result(result: DrillResult) -> DrillResultRow:
    """The record of what a drill has shown."""
    observed = result.observed
    return DrillResultRow(
        name=result.drill.name,
        fault=observed.fault,
        target=record_drill(result.drill),
        detected_seconds=observed.detected.total_seconds() if observed.detected is not None else None,
        detected_by=observed.detected_by,
        recovered_seconds=observed.recovered.total_seconds() if observed.recovered is not None else None,
        requests=observed.requests,
        harmed=observed.harmed,
        false_actions=list(observed.false_actions),
        misses=result.misses,
        took_seconds=result.seconds,
    )
