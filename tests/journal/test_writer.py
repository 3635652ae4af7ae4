"""The writer: what it acknowledged is in the journal, once and in order, whatever happens to it or to the disk."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journals import HEADER_BYTES, batches, content, write
from slow import examples

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.epochs import read_epochs
from mlops_lab.journal.readers import Follower
from mlops_lab.journal.segments import read_journal, read_pieces, segment_name, segments
from mlops_lab.journal.writer import Journal


@pytest.mark.parametrize("reserve", [0, 1, 40, 100_000])
def test_reserved_space_is_not_content(tmp_path, reserve):
    journal = Journal(tmp_path, reserve_bytes=reserve, segment_bytes=100)
    for number in range(50):
        journal.append([b"%d" % number] * 3)
        assert content(tmp_path)[-1] == b"%d" % number
    killed = content(tmp_path)
    journal.close()
    assert content(tmp_path) == killed == [b"%d" % number for number in range(50) for _ in range(3)]
    assert sum(file.stat().st_size for file in tmp_path.glob("*.log")) == journal.position


# ---- a writer that died ---------------------------------------------------------------------------------------------


def test_an_end_cut_at_any_byte_loses_only_the_cut_frames(tmp_path):
    whole = tmp_path / "whole"
    frames = [b"first", b"\x00\x00\x00\x00\x00\x00\x00\x00", b"a third that is longer", b"4"]
    ends = [0, *write(whole, *[[frame] for frame in frames])]
    data = (whole / segment_name(0)).read_bytes()
    for cut in range(len(data) + 1):
        cut_off = tmp_path / str(cut)
        shutil.copytree(whole, cut_off)
        os.truncate(cut_off / segment_name(0), cut)
        kept = [frame for frame, end in zip(frames, ends[1:], strict=True) if end <= cut]
        assert content(cut_off) == kept
        with contextlib.closing(Journal(cut_off)) as journal:
            assert journal.position == max(end for end in ends if end <= cut)
            journal.append([b"after"])
        assert content(cut_off) == [*kept, b"after"]


@examples(100)
@given(batches.filter(bool), st.integers(1, 40), st.data())
def test_a_reopened_journal_continues_after_the_last_complete_frame(tmp_path_factory, written, segment_bytes, data):
    path = tmp_path_factory.mktemp("journal")
    write(path, *written, segment_bytes=segment_bytes)
    before = list(read_journal(path, 0))
    last = max(segments(path))
    cut = data.draw(st.integers(last, last + (path / segment_name(last)).stat().st_size))
    os.truncate(path / segment_name(last), cut - last)
    kept = [payload for position, payload in before if position <= cut]
    assert content(path) == kept
    write(path, [b"more"], [b"again"], segment_bytes=segment_bytes)
    assert content(path) == [*kept, b"more", b"again"]


@pytest.mark.parametrize("garbage", [b"\0" * 4096, b"\0" * 7, b"\xff" * 100, b"\x09\0\0\0\0\0\0\0hello", b"x"])
def test_what_is_not_a_frame_after_the_last_one_is_removed(tmp_path, garbage):
    """Zeros are what a file system leaves of a write that a power cut caught."""
    write(tmp_path, [b"one"], [b"two"])
    with (tmp_path / segment_name(0)).open("ab") as file:
        file.write(garbage)
    assert content(tmp_path) == [b"one", b"two"]
    write(tmp_path, [b"three"])
    assert content(tmp_path) == [b"one", b"two", b"three"]
    assert (tmp_path / segment_name(0)).stat().st_size == 3 * HEADER_BYTES + 11


@pytest.mark.parametrize("reserve", [0, 100_000])
@pytest.mark.parametrize("place", range(HEADER_BYTES + 40))
def test_the_writer_goes_on_behind_what_is_damaged(tmp_path, place, reserve):
    """A changed byte in the last frame, or in the first: nothing whole is removed, and the damage stays to be told."""
    for changed in (0, 2):
        path = tmp_path / str(changed)
        frames = [b"a" * 40, b"b" * 40, b"c" * 40]
        journal = Journal(path, reserve_bytes=reserve)
        journal.append(frames)
        os.close(journal._lock)  # as a killed process leaves it
        segment = path / segment_name(0)
        data = bytearray(segment.read_bytes())
        data[changed * (HEADER_BYTES + 40) + place] ^= 1
        segment.write_bytes(data)
        write(path, [b"after"])
        assert content(path) == [frame for number, frame in enumerate(frames) if number != changed] + [b"after"]
        (piece,) = [piece for piece in read_pieces(path, 0) if piece.is_damaged]
        assert piece.payload[place] == data[changed * (HEADER_BYTES + 40) + place]


DIE_WHILE_WRITING = """
import os, sys
from pathlib import Path
from mlops_lab.journal.writer import Journal

journal = Journal(Path(sys.argv[1]), segment_bytes=2000)
for number in range(10_000):
    journal.append([b"%d" % number * 3])
    os.write(1, b"%d\\n" % number)
"""


def test_what_a_killed_process_acknowledged_is_there(tmp_path):
    """kill -9 in the middle of writing: at most one frame is there that was not acknowledged."""
    with subprocess.Popen([sys.executable, "-c", DIE_WHILE_WRITING, str(tmp_path)], stdout=subprocess.PIPE) as process:
        lines = [process.stdout.readline() for _ in range(300)]
        process.kill()
        lines += process.stdout.readlines()
    acknowledged = len([line for line in lines if line.endswith(b"\n")])
    frames = [int(payload[: len(payload) // 3]) for payload in content(tmp_path)]
    assert frames == list(range(len(frames)))
    assert acknowledged <= len(frames) <= acknowledged + 1


@pytest.mark.parametrize("ending", ["append", "close"])
def test_a_journal_that_is_deleted_while_it_is_written_is_written_anew(tmp_path, ending):
    """The writer still has the segment open, and the epochs with which readers know their place in it."""
    path = tmp_path / "journal"
    write(path, [b"zero"])
    journal = Journal(path, reserve_bytes=1000)
    position = journal.append([b"one"])
    epochs = read_epochs(path)
    follower = Follower(path, position)
    assert follower.read_new() == []
    shutil.rmtree(path)
    journal.append([b"two"])
    journal.sync()
    if ending == "append":
        assert [payload for _, payload in follower.read_new()] == [b"two"]
        journal.append([b"three"])
        assert [payload for _, payload in follower.read_new()] == [b"three"]
        with pytest.raises(EnvironmentFault):
            Journal(path)
    journal.close()
    follower.close()
    assert content(path) == [b"zero", b"one", b"two", *([b"three"] if ending == "append" else [])]
    assert read_epochs(path) == epochs
    write(path, [b"later"])
    assert content(path)[-1] == b"later"


# ---- one writer -----------------------------------------------------------------------------------------------------


def test_a_second_writer_is_refused(tmp_path):
    first = Journal(tmp_path)
    first.append([b"one"])
    with pytest.raises(EnvironmentFault) as caught:
        Journal(tmp_path)
    assert caught.value.code == "journal_locked"
    assert "mlops status" in caught.value.hint
    first.append([b"two"])
    first.close()
    write(tmp_path, [b"three"])
    assert content(tmp_path) == [b"one", b"two", b"three"]


def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path):
    code = (
        "import sys; from pathlib import Path; from mlops_lab.journal.writer import Journal; "
        "Journal(Path(sys.argv[1])).append([b'one']); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"open\n"
        with pytest.raises(EnvironmentFault):
            Journal(tmp_path)
        process.kill()
    write(tmp_path, [b"two"])  # a lock ends with its process
    assert content(tmp_path) == [b"one", b"two"]


def test_a_refused_writer_leaves_nothing_open(tmp_path):
    first = Journal(tmp_path)
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(5):
        with pytest.raises(EnvironmentFault):
            Journal(tmp_path)
    after = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    first.close()
    assert after == before


# ---- a disk that does not allow it ----------------------------------------------------------------------------------


FILL_UP = """
import json, sys
from pathlib import Path
from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.writer import Journal

path, limit, batch, reserve = Path(sys.argv[1]), *map(int, sys.argv[2:])
if limit:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
journal = Journal(path, reserve_bytes=reserve)
written, codes = [], []
for call in range(100_000):
    numbers = range(call * batch, (call + 1) * batch)
    try:
        journal.append([b"%06d" % number * 20 for number in numbers])
        written += numbers
    except EnvironmentFault as error:
        codes.append([error.code, error.hint])
        if len(codes) == 3:
            break
try:
    journal.append([b"small"])  # something smaller may still fit: a refused append leaves the journal fit to write
    small = True
except EnvironmentFault:
    small = False
print(json.dumps({"written": written, "codes": codes, "small": small, "position": journal.position}))
"""


def fill_up(path: Path, *, limit: int = 0, batch: int, reserve: int) -> dict:
    arguments = [str(path), str(limit), str(batch), str(reserve)]
    process = subprocess.run([sys.executable, "-c", FILL_UP, *arguments], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def check_full(path: Path, report: dict) -> None:
    """What was acknowledged is in the journal, in order and once; of what was refused, whole frames at most."""
    frames = list(read_journal(path, 0))
    numbered = [int(payload[:6]) for _, payload in frames if payload != b"small"]
    assert report["written"]
    assert numbered == sorted(set(numbered))
    assert set(report["written"]) <= set(numbered)
    assert all(payload == payload[:6] * 20 for _, payload in frames if payload != b"small")
    assert (b"small" in [payload for _, payload in frames]) == report["small"]
    assert report["position"] == frames[-1][0]
    assert len(report["codes"]) == 3
    assert {code for code, _ in report["codes"]} <= {"disk_full", "disk_fault"}
    assert all(hint for _, hint in report["codes"])


@pytest.mark.parametrize("reserve", [0, 1000, 1_000_000])
@pytest.mark.parametrize(("batch", "limit"), [(1, 5000), (1, 128 * 30), (7, 5000)])
def test_a_file_that_may_not_grow_keeps_what_was_acknowledged(tmp_path, batch, limit, reserve):
    """A limit on the size of a file ends a write in its middle, as a full disk does."""
    report = fill_up(tmp_path, limit=limit, batch=batch, reserve=reserve)
    check_full(tmp_path, report)
    write(tmp_path, [b"later"])
    assert content(tmp_path)[-1] == b"later"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        reason = f"a small disk needs the right to mount: {mounted.stderr.strip()}"
        # on CI nothing is skipped silently, except where the process is not root
        pytest.fail(reason) if os.environ.get("CI") == "true" and os.geteuid() == 0 else pytest.skip(reason)
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.mark.parametrize(("batch", "reserve"), [(1, 0), (9, 0), (9, 10_000), (1, 1_000_000)])
def test_a_full_disk_keeps_what_was_acknowledged(small_disk, batch, reserve):
    path = small_disk / "journal"
    report = fill_up(path, batch=batch, reserve=reserve)
    check_full(path, report)
    assert {code for code, _ in report["codes"]} == {"disk_full"}


def test_a_full_disk_can_be_written_again_when_there_is_space(small_disk):
    path, ballast = small_disk / "journal", small_disk / "ballast"
    ballast.write_bytes(b"x" * 40_000)
    journal = Journal(path)
    sent = []
    with pytest.raises(EnvironmentFault):
        while True:
            journal.append([b"a" * 3000])
            sent.append(b"a" * 3000)
    ballast.unlink()
    journal.append([b"b" * 3000])
    journal.close()
    assert content(path) == [*sent, b"b" * 3000]


def test_a_segment_that_cannot_begin_loses_nothing(tmp_path):
    """No file can be made where a folder stands. What was written before stays acknowledged, and writing goes on."""
    journal = Journal(tmp_path, segment_bytes=30)
    (tmp_path / segment_name(39)).mkdir()
    sent = []
    for number in range(6):
        payload = bytes([65 + number]) * 5
        with contextlib.suppress(EnvironmentFault):
            journal.append([payload])
            sent.append(payload)
    (tmp_path / segment_name(39)).rmdir()
    journal.close()
    assert len(sent) >= 3
    assert content(tmp_path) == sent
    write(tmp_path, [b"later"])
    assert content(tmp_path) == [*sent, b"later"]


@pytest.mark.parametrize("obstacle", ["file", "lock"])
def test_a_folder_that_cannot_be_made_or_written_is_an_error_with_a_hint(tmp_path, obstacle):
    if obstacle == "file":
        (tmp_path / "journal").write_text("not a folder")
    else:
        (tmp_path / "journal" / "lock").mkdir(parents=True)
    with pytest.raises(EnvironmentFault) as caught:
        Journal(tmp_path / "journal")
    assert caught.value.code == "disk_fault"
    assert caught.value.hint
