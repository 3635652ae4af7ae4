"""Reports of which stage of long work begins."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str], None]
"""Called with the stage that begins."""


def silent(stage: str) -> None:
    """A report that does nothing."""
    del stage
