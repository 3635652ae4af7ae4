import pickle

import numpy as np

from mlops_lab.learn.checking import Work, fail


class Attack:
    """Whoever unpickles it makes a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def check(work: Work) -> None:
    load_weights = work.load("weights.py", "load_weights").load_weights
    good = work.scratch / "good.npy"
    for weights in (work.rng.normal(size=(4, 3)), work.rng.normal(size=5).astype("float32")):
        np.save(good, weights)
        loaded = np.asarray(load_weights(good))
        if loaded.dtype != weights.dtype or not np.array_equal(loaded, weights):
            fail("other-weights", seen="other weights than those in the file", expected="the array of the file")
    marks = [work.scratch / f"the-code-has-run-{number}" for number in range(2)]
    inside, bare = work.scratch / "inside.npy", work.scratch / "bare.npy"
    np.save(inside, np.array([Attack(str(marks[0]))], dtype=object))
    bare.write_bytes(pickle.dumps(Attack(str(marks[1]))))
    texts, numbers, gap = (work.scratch / f"{name}.npy" for name in ("texts", "numbers", "gap"))
    np.save(texts, np.array(["a", "b"]))
    np.save(numbers, np.arange(3))
    np.save(gap, np.array([1.0, np.nan]))
    cut, empty, zipped = (work.scratch / f"{name}.npy" for name in ("cut", "empty", "zipped"))
    cut.write_bytes(good.read_bytes()[:-7])
    empty.touch()
    with zipped.open("wb") as file:
        np.savez(file, weights=np.ones(3))
    bad = {
        inside: "an array with a pickle inside",
        bare: "a pickle",
        texts: "an array of texts",
        numbers: "an array of whole numbers",
        gap: "an array with NaN",
        cut: "a file that ends too early",
        empty: "an empty file",
        zipped: "a zip of arrays, as of np.savez",
    }
    for file, what in bad.items():
        try:
            load_weights(file)
            refused = False
        except ValueError:
            refused = True
        except Exception as error:
            refused = False
            if not any(mark.exists() for mark in marks):
                fail("other-error", seen=f"{what}: {type(error).__name__}: {error}", expected="ValueError")
        if any(mark.exists() for mark in marks):
            fail("code-ran", seen=f"{what}: code in the file has run", expected="ValueError, before anything runs")
        if not refused:
            fail("accepted", seen=f"{what} was accepted", expected="ValueError")
