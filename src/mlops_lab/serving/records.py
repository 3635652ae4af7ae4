"""What the journal holds: one record a prediction, an outcome, or a fact of a table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class PredictionRecord(msgspec.Struct, frozen=True, tag="p"):
    """One answered request.

    `request` and `features` are what came in and what the model saw; a shadow is a version that was scored on the
    same request and answered nobody.
    """

    id: str
    at: datetime
    version: int
    role: str
    output: float
    shadow_version: int | None
    shadow_output: float | None
    request: dict[str, Any]
    features: dict[str, Any]


class OutcomeRecord(msgspec.Struct, frozen=True, tag="o"):
    """One outcome and the verdict on it; with its prediction where it was accepted."""

    id: str
    known_at: datetime
    verdict: str
    values: dict[str, Any]
    prediction: PredictionRecord | None


class FactRecord(msgspec.Struct, frozen=True, tag="f"):
    """One row of a table."""

    table: str
    row: dict[str, Any]


Record = PredictionRecord | OutcomeRecord | FactRecord

encode_record = msgspec.msgpack.Encoder().encode
decode_record = msgspec.msgpack.Decoder(Record).decode
