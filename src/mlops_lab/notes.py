"""What a reader assumed or left out, for the person who named the file: a reader tells it, a command listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LISTENER: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


def tell(note: str) -> None:
    """Tell the command that is listening, if one is."""
    if (listener := _LISTENER.get()) is not None:
        listener(note)


@contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """Within the block, each different note is given to the listener once."""
    heard: set[str] = set()

    def hear(note: str) -> None:
        if note not in heard:
            heard.add(note)
            listener(note)

    token = _LISTENER.set(hear)
    try:
        yield
    finally:
        _LISTENER.reset(token)
