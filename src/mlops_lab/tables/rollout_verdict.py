"""The loop's verdict on the newest rollout, for the engines that move traffic between versions on their own.

The loop writes it to a small file after each tick and each decision; servers read the file, and judge whether it still
counts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec

Verdict = Literal["promote", "hold", "roll_back"]
MAX_LEAD = timedelta(minutes=5)
"""How far ahead of the reader's clock a verdict may be dated."""
_HINT = "`mlops tick` writes it again"


class RolloutVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about `version`: `promote` (it may answer everything), `hold` (leave the traffic as it is) or
    `roll_back` (it must answer nothing), by which rule, why, and on which evidence.

    `share`: the share of the traffic that it may answer now. `at`: the moment as of which the loop decided;
    `written_at`: when, by the clock of its machine. `generation`: the number of decisions that it follows from.
    """

    verdict: Verdict
    version: int | None
    share: float
    champion: int | None
    stage: str | None
    rule: str
    reason: str
    evidence: dict[str, Any]
    at: datetime
    written_at: datetime
    generation: int
    format: Literal[1] = 1


class CurrentVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict as it counts now: `hold`, with the reason, where the loop's is missing or too old (`is_stale`).

    `verdict`: `promote` (`version` may answer everything), `hold` (leave the traffic as it is) or `roll_back` (it must
    answer nothing). `share`: the share of the traffic that it may answer; null where nobody knows. `age_seconds`: how
    long ago the loop wrote it.
    """

    verdict: Verdict
    version: int | None
    share: float | None
    champion: int | None
    stage: str | None
    rule: str
    reason: str
    evidence: dict[str, Any]
    at: datetime | None
    written_at: datetime | None
    age_seconds: float | None
    is_stale: bool


def read_current_verdict(path: Path, *, now: datetime, generation: int, max_age: timedelta) -> CurrentVerdict:
    """The verdict of the file as it counts at `now` for a server whose routing table has this generation.

    Never an error: what cannot be read, or does not count any more, is `hold`.
    """
    try:
        written = msgspec.json.decode(path.read_bytes(), type=RolloutVerdict)
    except FileNotFoundError:
        return _hold(None, now, "verdict.missing", f"the loop has written no verdict yet; {_HINT}")
    except (OSError, msgspec.MsgspecError) as error:
        return _hold(None, now, "verdict.unreadable", f"the loop's verdict cannot be read: {error}; {_HINT}")
    age = now - written.written_at
    if age > max_age:
        hours = max_age / timedelta(hours=1)
        reason = f"the loop's verdict is {_say(age)} old, and counts for {hours:g} hours; {_HINT}"
        return _hold(written, now, "verdict.too_old", reason)
    if -age > MAX_LEAD:
        reason = f"the loop's verdict is dated {_say(-age)} ahead: the clocks differ; {_HINT}"
        return _hold(written, now, "verdict.ahead", reason)
    if written.generation != generation:
        reason = (
            f"the loop's verdict follows from {written.generation} decisions, this server from {generation}; "
            "it follows within a second, else `mlops status` says why not"
        )
        return _hold(written, now, "verdict.other_generation", reason)
    names = set(CurrentVerdict.__struct_fields__) - {"age_seconds", "is_stale"}
    fields = {name: getattr(written, name) for name in names}
    return CurrentVerdict(**fields, age_seconds=max(age.total_seconds(), 0.0), is_stale=False)


def read_generation(path: Path) -> int | None:
    """The generation of the verdict in the file; None where none can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=RolloutVerdict).generation
    except (OSError, msgspec.MsgspecError):
        return None


def _hold(written: RolloutVerdict | None, now: datetime, rule: str, reason: str) -> CurrentVerdict:
    return CurrentVerdict(
        verdict="hold",
        version=written.version if written else None,
        share=None,
        champion=written.champion if written else None,
        stage=written.stage if written else None,
        rule=rule,
        reason=reason,
        evidence={},
        at=written.at if written else None,
        written_at=written.written_at if written else None,
        age_seconds=(now - written.written_at).total_seconds() if written else None,
        is_stale=True,
    )


def _say(age: timedelta) -> str:
    hours = age / timedelta(hours=1)
    return f"{hours:.1f} hours" if hours >= 1 else f"{age / timedelta(minutes=1):.0f} minutes"
