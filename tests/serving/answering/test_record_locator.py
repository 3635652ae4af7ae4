"""Locations: each record of several journals has one of its own, by which it is read again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.records import RECORDS_PER_FRAME, RefusalRecord, ShadowRecord, encode_frames
from mlops_lab.journal.segments import write_segment
from mlops_lab.serving.answering.record_locator import RecordLocator

AT = datetime(2026, 11, 1, tzinfo=UTC)


def shadows(folder: int, number: int) -> list[ShadowRecord]:
    return [ShadowRecord(f"{folder}-{index}", AT, folder, float(index)) for index in range(number)]


@examples(30)
@given(st.lists(st.integers(1, 3 * RECORDS_PER_FRAME), min_size=1, max_size=3), st.data())
def test_every_record_is_read_again_by_its_location(tmp_path_factory, numbers, data):
    root = tmp_path_factory.mktemp("journals")
    folders = [root / str(folder) for folder in range(len(numbers))]
    locator, records = RecordLocator(folders), {}
    for folder, number in enumerate(numbers):
        payloads = list(encode_frames(shadows(folder, number)))
        write_segment(folders[folder], payloads)
        locations = locator.locate(folder, payloads, since=0)
        assert len(locations) == len(payloads) * RECORDS_PER_FRAME >= number
        records |= zip(locations, shadows(folder, number), strict=False)
    assert len(records) == sum(numbers), "no location stands for two records"
    assert all(0 <= location < 2**64 for location in records)
    for location in data.draw(st.permutations(list(records))):
        assert locator.read(location, ShadowRecord) == records[location]
    locator.close()


def test_a_record_whose_journal_is_gone_is_an_error(tmp_path):
    payloads = list(encode_frames(shadows(0, 1)))
    locator = RecordLocator([tmp_path / "nowhere"])
    (location, *_) = locator.locate(0, payloads, since=0)
    with pytest.raises(EnvironmentFault) as caught:
        locator.read(location, ShadowRecord)
    assert caught.value.code == "journal_damaged"


def test_a_record_of_another_kind_is_noticed(tmp_path):
    payloads = list(encode_frames(shadows(0, 1)))
    write_segment(tmp_path / "journal", payloads)
    locator = RecordLocator([tmp_path / "journal"])
    (location, *_) = locator.locate(0, payloads, since=0)
    with pytest.raises(AssertionError):
        locator.read(location, RefusalRecord)
    locator.close()
