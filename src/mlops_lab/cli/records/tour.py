"""What `mlops learn tour --json` prints."""

from __future__ import annotations

from msgspec import Struct


class TourQuestion(Struct, frozen=True, kw_only=True):
    """A question of the tour, and the command that answers it."""

    name: str
    text: str
    command: str


class TourRecord(Struct, frozen=True, kw_only=True, tag_field="event", tag="tour"):
    """`mlops learn tour`: the folder of the demo, and the questions about it in order."""

    schema_version: int = 1
    folder: str
    questions: list[TourQuestion]


class AnswerRecord(Struct, frozen=True, kw_only=True, tag_field="event", tag="answer"):
    """`mlops learn tour --question NAME --answer TEXT`: whether the answer is right. Otherwise what is wrong with it
    (`fault`), and what to look at `again`; both are null where it is right."""

    schema_version: int = 1
    name: str
    right: bool
    fault: str | None
    again: str | None
