"""Notes reach the command that listens, each once; without one they are dropped."""

from __future__ import annotations

from mlops_lab.notes import listening, tell


def test_each_note_is_heard_once() -> None:
    heard: list[str] = []
    tell("before")
    with listening(heard.append):
        tell("a")
        tell("b")
        tell("a")
    tell("after")
    assert heard == ["a", "b"]
