"""What the journal holds: one record a prediction, an outcome, or a fact of a table; a few of them in a frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import msgspec

from mlops_lab.errors import EnvironmentFault

Result = TypeVar("Result")


class PredictionRecord(msgspec.Struct, frozen=True, tag="p", omit_defaults=True, gc=False):
    """One answered request.

    `request` is what came in, `features` what the model saw beyond it: by name, or values alone, whose names stand once
    in the frame. `missing` names the views that knew nothing of it, and why. `role`: "champion", "canary", or "arm" of
    an A/B test with fixed shares. A shadow is a version that is scored on the same request and answers nobody; as that
    is done after the answer, what it said is a `ShadowRecord`.
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
    """What another version would have answered to the request of the prediction `id`."""

    id: str
    at: datetime
    version: int
    output: float | list[float]


class RefusalRecord(msgspec.Struct, frozen=True, tag="r"):
    """One request that was not answered, because `view` knew nothing of it and refuses then; or, where `view` is empty,
    because the model has no answer to what is missing."""

    id: str
    at: datetime
    version: int
    view: str
    reason: str
    request: dict[str, Any]


class OutcomeRecord(msgspec.Struct, frozen=True, tag="o"):
    """One outcome and the verdict on it; with its prediction where it was accepted.

    `received_at`: when it reached us, where that was after it was known; else None.
    """

    id: str
    known_at: datetime
    verdict: str
    values: dict[str, Any]
    prediction: PredictionRecord | None
    received_at: datetime | None = None


class FactRecord(msgspec.Struct, frozen=True, tag="f"):
    """One row of a table; `received_at` as for outcomes."""

    table: str
    row: dict[str, Any]
    received_at: datetime | None = None


class SetAsideRecord(msgspec.Struct, frozen=True, tag="q"):
    """One row of a table that breaks its contract: what it broke, and the row as JSON."""

    at: datetime
    table: str
    rule: str
    column: str
    text: str
    row: str


class PredictionSummary(msgspec.Struct, frozen=True, tag="p", gc=False):
    """What of a `PredictionRecord` they keep who only read along. The rest is passed over, in a quarter of the time."""

    id: str
    at: datetime
    shadow_version: int | None = None
    shadow_output: float | list[float] | None = None


Record = PredictionRecord | ShadowRecord | RefusalRecord | OutcomeRecord | FactRecord | SetAsideRecord
RecordSummary = PredictionSummary | ShadowRecord | RefusalRecord | OutcomeRecord | FactRecord | SetAsideRecord

RECORDS_A_FRAME = 16
"""At most. The more stand in one, the less each costs to write, and the more to find again."""
_encode = msgspec.msgpack.Encoder().encode
_decode_frame = msgspec.msgpack.Decoder(tuple[list[str], list[Record]]).decode
_decode_notes = msgspec.msgpack.Decoder(tuple[msgspec.Raw, list[RecordSummary]]).decode
_decode_raw = msgspec.msgpack.Decoder(tuple[msgspec.Raw, list[msgspec.Raw]]).decode
_decode_one = msgspec.msgpack.Decoder(Record).decode


def encode_frame(records: Sequence[Record], names: Sequence[str] = ()) -> bytes:
    """A frame of these records; `names` are those of features of which only the values are given."""
    return _encode((names, records))


def encode_frames(records: Iterable[Record], names: Sequence[str] = ()) -> Iterator[bytes]:
    """The frames of these records, as few as may be."""
    waiting = iter(records)
    while some := list(islice(waiting, RECORDS_A_FRAME)):
        yield encode_frame(some, names)


def decode_frame(frame: bytes) -> list[Record]:
    """A frame's records, all features by name."""
    names, records = _read(_decode_frame, frame)
    for record in records:
        if isinstance(record, PredictionRecord) and not isinstance(record.features, dict):
            msgspec.structs.force_setattr(record, "features", dict(zip(names, record.features, strict=True)))
    return records


def decode_summaries(frame: bytes) -> list[RecordSummary]:
    """What of a frame's records they keep who only read along."""
    return _read(_decode_notes, frame)[1]


def find_record(frame: bytes, number: int) -> Record:
    """One of a frame's records, with its features as they stand there; the others are passed over."""
    record: Record = _read(_decode_one, _read(_decode_raw, frame)[1][number])
    return record


def _read(decode: Callable[[bytes | msgspec.Raw], Result], data: bytes | msgspec.Raw) -> Result:
    try:
        return decode(data)
    except msgspec.MsgspecError as error:
        raise EnvironmentFault(
            f"the journal holds what this version does not know: {error}",
            code="journal_foreign",
            where="journal",
            hint="another version of mlops-lab wrote it: have that one bring it into the lake by `mlops tick`",
        ) from None
