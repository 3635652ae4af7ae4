"""The records of a journal: one per prediction, outcome or fact of a table; several of them share a frame."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import msgspec

from mlops_lab.errors import EnvironmentFault

Result = TypeVar("Result")


class PredictionRecord(msgspec.Struct, frozen=True, tag="p", omit_defaults=True, gc=False):
    """One answered request.

    `request` is what the client sent, `features` the inputs that the model saw beyond it: by name, or only the values,
    whose names are then written once per frame. `missing` maps the views that had no facts to the reason. `role`:
    "champion", "canary", or "arm" of an A/B test with fixed shares. A shadow is a version that scores the same request
    and answers no client; as it scores after the response, its output is a `ShadowRecord`.
    """

    id: str
    at: datetime
    version: int
    role: str
    output: float | list[float]
    request: dict[str, Any]
    features: Any
    missing: dict[str, str] = {}
    shadow_version: int | None = None
    shadow_output: float | list[float] | None = None


class ShadowRecord(msgspec.Struct, frozen=True, tag="s"):
    """The output of another version for the request of the prediction `id`."""

    id: str
    at: datetime
    version: int
    output: float | list[float]


class RefusalRecord(msgspec.Struct, frozen=True, tag="r"):
    """One request that was not answered: `view` had no facts and is declared to refuse then; or, where `view` is empty,
    the model returned no number."""

    id: str
    at: datetime
    version: int
    view: str
    reason: str
    request: dict[str, Any]


class OutcomeRecord(msgspec.Struct, frozen=True, tag="o"):
    """One outcome and the verdict on it; with its prediction if it was accepted.

    `received_at`: when the server received it, if that was after it was known; else None. `corrected`: the values that
    counted before, and when they became known, where this one corrects them.
    """

    id: str
    known_at: datetime
    verdict: str
    values: dict[str, Any]
    prediction: PredictionRecord | None
    received_at: datetime | None = None
    corrected: tuple[datetime, dict[str, Any]] | None = None


class FactRecord(msgspec.Struct, frozen=True, tag="f"):
    """One row of a table; `received_at` as in `OutcomeRecord`. `corrected`: the row that it corrects."""

    table: str
    row: dict[str, Any]
    received_at: datetime | None = None
    corrected: dict[str, Any] | None = None


class SetAsideRecord(msgspec.Struct, frozen=True, tag="q"):
    """One row of a table that breaks its contract: the rule that it breaks, and the row as JSON."""

    at: datetime
    table: str
    rule: str
    column: str
    text: str
    row: str


class ErasedRecord(msgspec.Struct, frozen=True, tag="x"):
    """What is left of a record that was erased: as many bytes as it had."""

    padding: bytes


class PredictionSummary(msgspec.Struct, frozen=True, tag="p", gc=False):
    """The part of a `PredictionRecord` that a follower keeps. Skipping the rest takes a quarter of the time."""

    id: str
    at: datetime
    shadow_version: int | None = None
    shadow_output: float | list[float] | None = None


_Other = ShadowRecord | RefusalRecord | OutcomeRecord | FactRecord | SetAsideRecord | ErasedRecord
Record = PredictionRecord | _Other
RecordSummary = PredictionSummary | _Other

RECORDS_PER_FRAME = 16
"""The most in one frame. More make a record cheaper to write and more expensive to read again."""
_ERASED = b"\x82\xa4type\xa1x\xa7padding\xc6"
"""How an erased record begins, in MessagePack; the length of its padding follows in four bytes."""
_encode = msgspec.msgpack.Encoder().encode
_decode_frame = msgspec.msgpack.Decoder(tuple[list[str], list[Record]]).decode
_decode_summaries = msgspec.msgpack.Decoder(tuple[msgspec.Raw, list[RecordSummary]]).decode
_decode_raw = msgspec.msgpack.Decoder(tuple[msgspec.Raw, list[msgspec.Raw]]).decode
_decode_one = msgspec.msgpack.Decoder(Record).decode


def encode_frame(records: Sequence[Record], names: Sequence[str] = ()) -> bytes:
    """The payload of a frame with these records; `names`: of the features, where records hold only the values."""
    return _encode((names, records))


def encode_frames(records: Iterable[Record], names: Sequence[str] = ()) -> Iterator[bytes]:
    """The payloads of as few frames as these records need."""
    remaining = iter(records)
    while batch := list(islice(remaining, RECORDS_PER_FRAME)):
        yield encode_frame(batch, names)


def decode_frame(frame: bytes) -> list[Record]:
    """The records of a frame, all features by name."""
    names, records = _decode(_decode_frame, frame)
    for record in records:
        if isinstance(record, PredictionRecord) and not isinstance(record.features, dict):
            try:
                features = dict(zip(names, record.features, strict=True))
            except (TypeError, ValueError) as error:
                raise _foreign(error) from None
            msgspec.structs.force_setattr(record, "features", features)
    return records


def decode_summaries(frame: bytes) -> list[RecordSummary]:
    """The summaries of a frame's records: what a follower keeps."""
    return _decode(_decode_summaries, frame)[1]


def decode_record(frame: bytes, number: int) -> Record:
    """The record with that number in a frame, its features as they were written; the others are not decoded."""
    record: Record = _decode(_decode_one, _decode(_decode_raw, frame)[1][number])
    return record


def blank_records(frame: bytes, numbers: Collection[int]) -> bytes:
    """The payload with nothing in place of the records of these numbers; as long as before."""
    records = [bytes(record) for record in _decode(_decode_raw, frame)[1]]
    head = frame[: len(frame) - sum(map(len, records))]
    return head + b"".join(_blank(record) if number in numbers else record for number, record in enumerate(records))


def _blank(record: bytes) -> bytes:
    padding = len(record) - len(_ERASED) - 4
    return _ERASED + padding.to_bytes(4, "big") + b"\0" * padding


def _decode(decode: Callable[[bytes | msgspec.Raw], Result], data: bytes | msgspec.Raw) -> Result:
    try:
        return decode(data)
    except msgspec.MsgspecError as error:
        raise _foreign(error) from None


def _foreign(error: Exception) -> EnvironmentFault:
    return EnvironmentFault(
        f"the journal holds a record that this version of mlops-lab cannot read: {error}",
        code="journal_foreign",
        where="journal",
        hint="another version wrote it, or it is damaged; `mlops tick` sets it aside, and `mlops quarantine` lists it",
    )
