import errno
import resource
import signal
import sys

from mlops_lab.learn.checking import Work, fail


def check(work: Work) -> None:
    publish = work.load("publish.py", "publish").publish
    folder = work.scratch / "models"
    folder.mkdir()
    path = folder / "model.bin"
    old, new = work.rng.bytes(50_000), work.rng.bytes(400_000)
    path.write_bytes(old)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit is an OSError, as on a full disk
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    raised = None
    try:
        publish(path, new)
    except OSError as error:
        raised = error
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    if not path.exists() or path.read_bytes() != old:
        size = path.stat().st_size if path.exists() else 0
        seen = f"the disk was full after 100,000 bytes: the file of the model had {size:,} bytes, and was not the old model"
        fail("old-model-lost", seen=seen, expected="the old model")
    if raised is None or raised.errno != errno.EFBIG:
        fail("no-error", seen="the disk was full, and publish did not raise its OSError", expected="the OSError")
    if rest := [file.name for file in folder.iterdir() if file != path]:
        fail("rest-left", seen=f"the disk was full, and {rest[0]} was left behind", expected="no other file")
    sizes = _watch(path, publish, new)
    if partial := sizes - {len(old), len(new)}:
        seen = f"while it was written, the file had {min(partial):,} bytes"
        fail("half-written", seen=seen, expected="a whole model at each moment")
    if path.read_bytes() != new:
        fail("not-published", seen="after publish, the file is not the new model", expected="the new model")
    if rest := [file.name for file in folder.iterdir() if file != path]:
        fail("rest-left", seen=f"{rest[0]} was left beside the model", expected="no other file")


def _watch(path, publish, new: bytes) -> set[int]:
    """The sizes of the file, seen before each line and each call of the learner's code."""
    sizes = set()

    def look(*_):
        sizes.add(path.stat().st_size if path.exists() else 0)
        return look

    sys.setprofile(look)
    sys.settrace(look)
    try:
        publish(path, new)
    finally:
        sys.settrace(None)
        sys.setprofile(None)
    return sizes
