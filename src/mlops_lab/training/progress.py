"""Long work says which stage begins."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str], None]
"""Is told which stage begins."""


def silent(stage: str) -> None:
    """A report that tells nobody."""
    del stage
