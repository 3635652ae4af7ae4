"""Frames of the journal: what was put in comes out again, also one record alone."""

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
    decode_summaries,
    encode_frame,
    find_record,
)

AT = datetime(2026, 11, 1, tzinfo=UTC)


def made(name, features, **more):
    return PredictionRecord(name, AT, 1, "champion", 0.5, {"shop": "a"}, features, **more)


RECORDS = [
    made("a", (1, None), missing={"stock": "stale"}),
    made("b", {"other": 2.0}, shadow_version=7),
    ShadowRecord("b", AT, 7, [0.25, 0.75]),
    RefusalRecord("c", AT, 1, "stock", "unknown", {"shop": "b"}),
    made("d", ()),
]


def test_a_frame_gives_its_features_their_names():
    told = decode_frame(encode_frame(RECORDS[:-1], ["items", "colour"]))
    assert told == [made("a", {"items": 1, "colour": None}, missing={"stock": "stale"}), *RECORDS[1:-1]]
    assert decode_frame(encode_frame(RECORDS[-1:])) == [made("d", {})]


def test_a_record_is_found_alone():
    frame = encode_frame(RECORDS, ["items", "colour"])
    found = [find_record(frame, number) for number in range(len(RECORDS))]
    assert [one.id for one in found] == ["a", "b", "b", "c", "d"]
    assert found[1:4] == RECORDS[1:4]


def test_notes_hold_what_is_kept():
    notes = decode_summaries(encode_frame(RECORDS, ["items", "colour"]))
    assert notes[:2] == [PredictionSummary("a", AT), PredictionSummary("b", AT, 7)]
    assert notes[2:4] == RECORDS[2:4]


@pytest.mark.parametrize("read", [decode_frame, decode_summaries, lambda frame: find_record(frame, 0)])
def test_what_another_version_wrote_is_told_so(read):
    with pytest.raises(EnvironmentFault) as caught:
        read(msgspec.msgpack.encode({"type": "p", "id": "a"}))
    assert caught.value.code == "journal_foreign"
