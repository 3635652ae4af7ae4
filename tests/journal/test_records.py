"""Records: what was encoded is decoded again, all records of a frame or one of them."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.records import (
    PredictionRecord,
    PredictionSummary,
    RefusalRecord,
    ShadowRecord,
    decode_frame,
    decode_record,
    decode_summaries,
    encode_frame,
)

AT = datetime(2026, 11, 1, tzinfo=UTC)


def prediction(name, features, **more):
    return PredictionRecord(name, AT, 1, "champion", 0.5, {"shop": "a"}, features, **more)


RECORDS = [
    prediction("a", (1, None), missing={"stock": "stale"}),
    prediction("b", {"other": 2.0}, shadow_version=7),
    ShadowRecord("b", AT, 7, [0.25, 0.75]),
    RefusalRecord("c", AT, 1, "stock", "unknown", {"shop": "b"}),
    prediction("d", ()),
]


def test_a_frame_gives_its_features_their_names():
    records = decode_frame(encode_frame(RECORDS[:-1], ["items", "colour"]))
    assert records == [prediction("a", {"items": 1, "colour": None}, missing={"stock": "stale"}), *RECORDS[1:-1]]
    assert decode_frame(encode_frame(RECORDS[-1:])) == [prediction("d", {})]


def test_one_record_of_a_frame_is_decoded():
    frame = encode_frame(RECORDS, ["items", "colour"])
    records = [decode_record(frame, number) for number in range(len(RECORDS))]
    assert [record.id for record in records] == ["a", "b", "b", "c", "d"]
    assert records[1:4] == RECORDS[1:4]


def test_summaries_hold_what_a_follower_keeps():
    summaries = decode_summaries(encode_frame(RECORDS, ["items", "colour"]))
    assert summaries[:2] == [PredictionSummary("a", AT), PredictionSummary("b", AT, 7)]
    assert summaries[2:4] == RECORDS[2:4]


@pytest.mark.parametrize("read", [decode_frame, decode_summaries, lambda frame: decode_record(frame, 0)])
def test_a_record_of_another_version_is_an_error(read):
    with pytest.raises(EnvironmentFault) as caught:
        read(msgspec.msgpack.encode({"type": "p", "id": "a"}))
    assert caught.value.code == "journal_foreign"
