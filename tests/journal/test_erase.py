"""Records are erased from a journal where they are, while its writer goes on."""

from one_of_each import records_of

from mlops_lab.journal.erase import erase_records
from mlops_lab.journal.readers import Follower
from mlops_lab.journal.records import ErasedRecord, decode_frame, decode_record, decode_summaries, encode_frame
from mlops_lab.journal.segments import read_journal
from mlops_lab.journal.writer import Journal


def names(journal: Journal) -> list[list[str]]:
    frames = [decode_frame(payload) for _, payload in read_journal(journal.path, 0)]
    return [[getattr(record, "id", type(record).__name__) for record in frame] for frame in frames]


def is_secret(record) -> bool:
    return getattr(record, "id", None) == "secret"


def test_every_kind_of_record_goes_and_no_other_one_moves(tmp_path):
    journal = Journal(tmp_path / "journal", segment_bytes=2000)
    for _ in range(3):
        journal.append([encode_frame([*records_of("one"), *records_of("secret"), *records_of("two")])])
    before = [(position, len(payload)) for position, payload in read_journal(journal.path, 0)]
    until = journal.position
    journal.append([encode_frame(records_of("secret"))])  # not in the lake yet
    assert erase_records(journal.path, until, is_secret, dry_run=True) == 9
    assert any("secret" in frame for frame in names(journal))
    erased = erase_records(journal.path, until, lambda record: "secret" in repr(record))
    assert erased == 3 * 5  # all but the fact, which names nobody
    assert [(position, len(payload)) for position, payload in read_journal(journal.path, 0)][:3] == before
    for _, payload in list(read_journal(journal.path, 0))[:3]:
        assert b"secret" not in payload
        records = decode_frame(payload)
        assert [type(record) for record in records[6:12]].count(ErasedRecord) == 5
        assert (records[0], records[12]) == (records_of("one")[0], records_of("two")[0])
        assert decode_record(payload, 12).id == "two"
        assert len(decode_summaries(payload)) == 18
    journal.append([encode_frame(records_of("three"))])
    journal.close()
    assert names(journal)[3][0] == "secret"
    assert names(journal)[4][0] == "three"
    assert erase_records(journal.path, until, is_secret) == 0


def test_a_reader_that_follows_the_writer_reads_on(tmp_path):
    journal = Journal(tmp_path / "journal")
    journal.append([encode_frame(records_of("one"))])
    follower = Follower(journal.path, 0)
    assert len(follower.read_new()) == 1
    erase_records(journal.path, journal.position, lambda _: True)
    journal.append([encode_frame(records_of("two"))])
    ((_, payload),) = follower.read_new()
    assert decode_frame(payload)[0].id == "two"
    follower.close()
    journal.close()


def test_an_empty_journal_has_nothing_to_erase(tmp_path):
    assert erase_records(tmp_path / "none", 100, lambda _: True) == 0


def test_a_damaged_part_is_left_alone(tmp_path):
    journal = Journal(tmp_path / "journal")
    first = journal.append([encode_frame(records_of("one"))])
    journal.append([encode_frame(records_of("secret"))])
    journal.close()
    (segment,) = journal.path.glob("*.log")
    content = bytearray(segment.read_bytes())
    content[first // 2] ^= 255
    segment.write_bytes(content)
    assert erase_records(journal.path, len(content), is_secret) == 3
    assert segment.read_bytes()[:first] == bytes(content[:first])
