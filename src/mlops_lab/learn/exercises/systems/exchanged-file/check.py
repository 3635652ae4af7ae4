import hmac
import json
import os
import sys
from pathlib import Path

from mlops_lab.learn.checking import Work, fail

READS = ("read", "readinto", "readinto1", "read1", "readline", "readlines", "readall")


def check(work: Work) -> None:
    load_model = work.load("signed.py", "load_model").load_model
    key = work.rng.bytes(32)
    good, evil = ({"weights": work.rng.normal(size=8000).round(6).tolist()} for _ in range(2))
    signed = json.dumps(good).encode()
    signature = hmac.new(key, signed, "sha256").hexdigest()
    path = work.scratch / "model.json"
    path.write_bytes(signed)
    if load_model(path, signature, key) != good:
        fail(
            "good-lost", seen="another model than that of a file that nobody changed", expected="the model of the file"
        )
    unsigned = json.dumps(evil).encode()
    for what, content in (("a file that nobody signed", unsigned), ("one byte more than was signed", signed + b" ")):
        path.write_bytes(content)
        _expect_refusal(load_model, path, signature, key, what)
    path.write_bytes(signed)
    for what, wrong in (("an empty signature", ""), ("the signature of another file", "0" * 64)):
        _expect_refusal(load_model, path, wrong, key, what)
    for order in ((signed, unsigned), (unsigned, signed)):
        attack = Attack(path, order)
        try:
            model = attack.run(lambda: load_model(path, signature, key))
        except ValueError:
            continue
        if model != good:
            seen = f"the file was exchanged {attack.times} times while load_model ran: it returned a model that nobody signed"
            fail("exchanged", seen=seen, expected="the model that was signed, or ValueError")


def _expect_refusal(load_model, path: Path, signature: str, key: bytes, what: str) -> None:
    try:
        load_model(path, signature, key)
    except ValueError:
        return
    fail("unsigned", seen=f"{what}: load_model returned a model", expected="ValueError")


class Attack:
    """Writes one content, then the other, into the file, before each time that it is opened or read."""

    def __init__(self, path: Path, order: tuple[bytes, bytes]) -> None:
        self.path, self.order, self.times, self.writing, self.opens, self.reads = path, order, 0, False, 0, 0

    def run(self, call):
        times = self.path.stat()
        self.write(self.order[0], times)
        sys.setprofile(lambda _, event, called: self.look(event, called, times))
        try:
            return call()
        finally:
            sys.setprofile(None)

    def look(self, event: str, called, times) -> None:
        if event != "c_call" or self.writing:
            return
        name, owner = getattr(called, "__name__", ""), getattr(called, "__self__", None)
        if name == "open":
            self.write(self.order[self.opens % 2], times)
            self.opens += 1
        elif name in READS and str(getattr(owner, "name", "")) in (str(self.path), ""):
            if self.reads:
                self.write(self.order[self.reads % 2], times)
            self.reads += 1

    def write(self, content: bytes, times) -> None:
        self.writing = True
        with self.path.open("r+b") as file:
            file.write(content)
            file.truncate()
        os.utime(self.path, ns=(times.st_atime_ns, times.st_mtime_ns))
        self.writing, self.times = False, self.times + 1
