"""The result of a check, as the grading process writes it down."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

PASSED: Final = "passed"


class CheckResult(Struct, frozen=True, kw_only=True):
    """`key` is `passed`, or names the message: what was seen, what was expected, and where (a file and a line)."""

    key: str
    seen: str = ""
    expected: str = ""
    where: str | None = None
