"""What an examination found, as typed records: what `mlops doctor --json` prints. Fields are only ever added."""

from __future__ import annotations

from msgspec import Struct

from mlops_lab.doctor.check import State


class CheckResult(Struct, frozen=True, kw_only=True):
    """What a check found: `ok`, `warn` (works, and should not stay so), `fail` (does not work, or is not safe), `off`
    (not in use, or could not be looked at); what was seen; what to do (null: nothing); how long the look took."""

    name: str
    state: State
    seen: str
    hint: str | None
    milliseconds: float


class Examination(Struct, frozen=True, kw_only=True):
    """`mlops doctor`: every check, and how many of them failed and warned. `project` is null where the settings cannot
    be read, `folder` where there is no project."""

    schema_version: int = 1
    project: str | None
    folder: str | None
    failed: int
    warned: int
    checks: list[CheckResult]
