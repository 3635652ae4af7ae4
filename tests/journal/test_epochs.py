"""Epochs: whatever becomes of a journal, who has read it reads nothing twice and misses nothing that is there."""

import shutil
from contextlib import closing

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from journals import content, write
from slow import examples

from mlops_lab.journal.epochs import (
    NO_EPOCH,
    LogPosition,
    drop_epochs,
    positions_until,
    read_epochs,
    resume,
    resume_at,
)
from mlops_lab.journal.segments import drop_segments, read_pieces, segment_name
from mlops_lab.journal.writer import Journal


class Reader:
    """Reads a journal as the loop does: it remembers a position by epoch, and what it has read."""

    def __init__(self):
        self.reached, self.read = {}, []

    def read_new(self, path):
        since = resume(path, lambda epoch: self.reached.get(epoch, 0)).position
        pieces = list(read_pieces(path, since))
        self.read += [piece.payload for piece in pieces if not piece.is_damaged]
        if pieces:
            self.reached |= dict(positions_until(read_epochs(path), since, pieces[-1].end))


class Fates(RuleBasedStateMachine):
    """A journal is written, read, backed up, restored, deleted and cut off, in any order, with any number of bytes."""

    def __init__(self):
        super().__init__()
        import tempfile
        from pathlib import Path

        self.folder = Path(tempfile.mkdtemp())
        self.path, self.backups = self.folder / "journal", []
        self.reader, self.number = Reader(), 0
        self.path.mkdir()

    def teardown(self):
        shutil.rmtree(self.folder)

    @rule(frames=st.integers(0, 4), size=st.integers(1, 30), segment_bytes=st.sampled_from([20, 60, 10_000]))
    def write(self, frames, size, segment_bytes):
        with closing(Journal(self.path, segment_bytes=segment_bytes)) as journal:
            for _ in range(frames):
                self.number += 1
                journal.append([b"%d" % self.number + b"-" * size])

    @rule()
    def read(self):
        self.reader.read_new(self.path)

    @rule()
    def back_up(self):
        self.backups.append(self.folder / f"backup-{len(self.backups)}")
        shutil.copytree(self.path, self.backups[-1])

    @precondition(lambda self: self.backups)
    @rule(data=st.data())
    def restore(self, data):
        shutil.rmtree(self.path)
        shutil.copytree(data.draw(st.sampled_from(self.backups)), self.path)

    @rule()
    def delete(self):
        shutil.rmtree(self.path)
        self.path.mkdir()

    @rule(data=st.data())
    def cut_off(self, data):
        """A power cut takes what was not synced."""
        logs = sorted(self.path.glob("*.log"))
        if logs:
            size = logs[-1].stat().st_size
            with logs[-1].open("r+b") as file:
                file.truncate(data.draw(st.integers(0, size)))

    @rule()
    def drop(self):
        """What was read may be deleted."""
        self.reader.read_new(self.path)
        drop_segments(self.path, resume(self.path, lambda epoch: self.reader.reached.get(epoch, 0)).position)
        drop_epochs(self.path)

    @invariant()
    def nothing_is_read_twice(self):
        assert len(self.reader.read) == len({*self.reader.read})

    @invariant()
    def everything_is_read_that_is_there(self):
        reader = Reader()
        reader.reached, reader.read = dict(self.reader.reached), list(self.reader.read)
        reader.read_new(self.path)
        there = [piece.payload for piece in read_pieces(self.path, 0) if not piece.is_damaged]
        assert {*there} <= {*reader.read}
        assert len(reader.read) == len({*reader.read})


TestFates = Fates.TestCase
TestFates.settings = examples(60, stateful_step_count=12)


def reached_in(*positions):
    known = {position.epoch: position.position for position in positions}
    return lambda epoch: known.get(epoch, 0)


def test_what_an_older_release_wrote_has_no_epoch(tmp_path):
    write(tmp_path, [b"one"], [b"two"])
    for marker in tmp_path.glob("*.epoch"):
        marker.unlink()
    assert [(epoch.id, epoch.start, epoch.end) for epoch in read_epochs(tmp_path)] == [(NO_EPOCH, 0, None)]
    write(tmp_path, [b"three"])
    first, second = read_epochs(tmp_path)
    assert (first.id, first.start, first.end, second.start) == (NO_EPOCH, 0, 22, 22)
    found = resume(tmp_path, reached_in(LogPosition(NO_EPOCH, 11)))
    assert content(tmp_path, found.position) == [b"two", b"three"]


def test_a_position_beyond_the_end_of_its_epoch_was_lost(tmp_path):
    write(tmp_path, [b"one"])
    (epoch,) = read_epochs(tmp_path)
    write(tmp_path, [b"two" * 100])
    found = resume(tmp_path, reached_in(LogPosition(epoch.id, 30)))
    assert (found.epoch, found.position, found.is_known, found.lost) == (epoch.id, 11, True, 19)


def test_another_journal_is_read_from_its_beginning_however_long_it_is(tmp_path):
    write(tmp_path, [b"one"] * 100)
    found = resume(tmp_path, reached_in(LogPosition("another", 30), LogPosition(NO_EPOCH, 20)))
    assert (found.position, found.is_known) == (0, False)
    assert resume_at(tmp_path, LogPosition("another", 30)) == 0
    assert resume_at(tmp_path, None) == 0


def test_openings_in_which_nothing_is_written_leave_nothing_behind(tmp_path):
    write(tmp_path, [b"one"])
    for _ in range(10):
        write(tmp_path)
    assert len(list(tmp_path.glob("*.epoch"))) == 2


@pytest.mark.parametrize("kept", [0, 1])
def test_the_epoch_before_the_first_segment_is_kept(tmp_path, kept):
    """So that a reader that stopped there is known."""
    for payload in (b"one", b"two", b"three"):
        write(tmp_path, [payload], segment_bytes=1)
    (tmp_path / segment_name(0)).unlink()
    if not kept:
        (tmp_path / segment_name(11)).unlink()
    drop_epochs(tmp_path)
    assert [epoch.start for epoch in read_epochs(tmp_path)] == ([0, 11, 22] if kept else [11, 22])
