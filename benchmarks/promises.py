"""What a benchmark promises: it fails where a promise does not hold."""

from __future__ import annotations


class Promises:
    """What was promised and did not hold."""

    def __init__(self) -> None:
        self.broken: list[str] = []

    def expect(self, holds: bool, promise: str) -> None:
        """Note the promise if it does not hold."""
        if not holds:
            self.broken.append(promise)
