"""The hash chain: whatever is changed, removed, moved or inserted is found, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.rollout.decision_chain import Entry, Head, find_faults, hash_entry, last_hash

START = datetime(2013, 3, 1, 5, tzinfo=UTC)


def chain(count: int, *, older: int = 0) -> list[Entry]:
    """Decisions, the first `older` of them without a hash."""
    entries: list[Entry] = []
    for number in range(1, count + 1):
        entry = Entry(
            number=number,
            at=START + timedelta(days=number),
            what="retrain",
            version=None,
            rule="asked",
            reason="why",
            evidence="{}",
            by="ada",
            user="ada" if number > older else None,
        )
        if number > older:
            entry = replace(entry, hash=hash_entry(entry, last_hash(entries)))
        entries.append(entry)
    return entries


def head_of(entries: list[Entry]) -> Head:
    return Head(number=entries[-1].number, hash=entries[-1].hash or "")


def codes(entries: list[Entry], head: Head | None, *, written: int = 0) -> list[str]:
    return [fault.code for fault in find_faults(entries, head=head, written=written)]


def test_a_hash_is_always_the_same():
    """It is stored: another one would make all chains broken ones."""
    assert hash_entry(chain(1)[0], "") == "c3eea929855bebc85543e48907e0255c8eb32d74849d0debbeec3d117aabb910"


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_chain_as_it_was_written_has_no_faults(count, older):
    entries = chain(count, older=older)
    head = head_of(entries) if count > older else None
    assert find_faults(entries, head=head, written=count) == []


CHANGES = {
    "number": 9,
    "at": START,
    "what": "promote",
    "version": 2,
    "rule": "gates",
    "reason": "another",
    "evidence": '{"x": 1}',
    "by": "bob",
    "user": "bob",
    "hash": "0" * 64,
}


@examples(60)
@given(st.data(), st.integers(1, 5), st.integers(0, 4))
def test_one_changed_value_is_found(data, count, older):
    entries = chain(count + older, older=older)
    place = data.draw(st.integers(0, len(entries) - 1))
    name = data.draw(st.sampled_from([name for name in CHANGES if name != "hash" or place >= older]))
    head = head_of(entries)
    entries[place] = replace(entries[place], **{name: CHANGES[name]})
    assert find_faults(sorted(entries, key=lambda entry: entry.number), head=head, written=len(entries))


def test_the_fault_names_the_decision():
    entries = chain(5)
    head = head_of(entries)
    entries[2] = replace(entries[2], reason="another")
    (fault,) = find_faults(entries, head=head, written=5)
    assert (fault.code, fault.number) == ("changed", 3)
    older = chain(5, older=2)
    older[0] = replace(older[0], reason="another")
    (fault,) = find_faults(older, head=head_of(older), written=5)
    assert (fault.code, fault.number) == ("changed", 3)
    assert "one before it, which have no hashes" in fault.what


@pytest.mark.parametrize(
    ("left", "expected", "named"),
    [
        ([0, 1, 3, 4], "missing", "decision 3 is missing"),
        ([0, 4], "missing", "decisions 2 to 4 are missing"),
        ([1, 2, 3, 4], "missing", "decision 1 is missing"),
        ([0, 1, 2], "cut", "decisions 4 to 5 are missing at the end"),
        ([], "cut", "decisions 1 to 5 are missing at the end"),
    ],
)
def test_missing_decisions_are_found(left, expected, named):
    entries = chain(5)
    (fault,) = find_faults([entries[place] for place in left], head=head_of(entries), written=0)
    assert (fault.code, fault.what) == (expected, named)


def test_removed_at_the_end_is_found_by_the_log_of_the_table_too():
    entries = chain(5)
    assert codes(entries[:4], None, written=5) == ["cut"]
    assert codes(entries[:4], None, written=4) == ["no_head"]


def test_two_that_changed_places_are_found():
    entries = chain(4)
    head = head_of(entries)
    entries[1], entries[2] = replace(entries[2], number=2), replace(entries[1], number=3)
    assert "changed" in codes(entries, head)


def test_one_that_was_inserted_is_found():
    entries = chain(4)
    head = head_of(entries)
    assert codes([*entries[:2], replace(entries[1], reason="another"), *entries[2:]], head) == ["repeated"]
    without = replace(entries[2], hash=None)
    assert "not_hashed" in codes([*entries[:2], without, *entries[3:]], head)


def test_a_chain_that_was_computed_anew_does_not_fit_the_head():
    head = head_of(chain(4))
    forged: list[Entry] = []
    for entry in chain(4):
        changed = replace(entry, by="bob")
        forged.append(replace(changed, hash=hash_entry(changed, last_hash(forged))))
    assert codes(forged, head, written=4) == ["head_differs"]
    assert codes(forged, head_of(forged), written=4) == [], "who can write both is only found by a hash noted elsewhere"
