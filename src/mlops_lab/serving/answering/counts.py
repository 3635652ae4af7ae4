"""What a worker counts: answers, refusals, HTTP requests and their durations.

Every worker writes its counts to a file that the others read, so that each of them can report the counts of all. A
worker that is restarted continues from its file.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from mlops_lab.journal.records import PredictionRecord, RefusalRecord
from mlops_lab.serving.answering.request_totals import RequestTotals
from mlops_lab.serving.answering.trials import Trial, Trials, note_trial

FAILED = "failed"
"""Why a version on trial did not answer: it raised an error."""
BUCKETS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
SLOT_BYTES = 64 * 1024
"""The space for the counts of a worker: those of more than a thousand series."""
_HEADER = struct.Struct("<QII")
_KIND = attrgetter("version", "role")


class Failure(NamedTuple):
    """A request that a version on trial did not answer: its role, and why."""

    version: int
    role: str
    reason: str


class WorkerCounts(msgspec.Struct):
    """The counts of one worker: by (family, labels…), and the HTTP requests by route and bucket of their duration."""

    counted: dict[tuple[str, str, str], int] = msgspec.field(default_factory=dict)
    buckets: dict[str, list[int]] = msgspec.field(default_factory=dict)
    seconds: dict[str, float] = msgspec.field(default_factory=dict)
    gauges: dict[str, dict[tuple[str, ...], float]] = msgspec.field(default_factory=dict)
    generation: int = 0
    """That of the routing table in use."""
    deployment_error: str | None = None
    """Why the newest routing table could not be taken over; None if it was."""
    faults: dict[int, str] = msgspec.field(default_factory=dict)
    """By version, why it could not be loaded; the champion answers for it."""
    trials: Trials = msgspec.field(default_factory=dict)
    day: str = ""
    """The day in the project's time zone on which the counts were published last."""
    total: RequestTotals = RequestTotals()
    """The requests for predictions until then."""
    day_ends: dict[str, RequestTotals] = msgspec.field(default_factory=dict)
    """By day that is over, the requests for predictions until its end."""

    def note_answers(self, records: Sequence[PredictionRecord | RefusalRecord], *, shed: int) -> None:
        """Count predictions and refusals; `shed` is the number of requests that no shadow will score."""
        predictions = [record for record in records if type(record) is PredictionRecord]
        kinds = list(map(_KIND, predictions))
        for version, role in set(kinds):
            self._count("answered", str(version), role, number := kinds.count((version, role)))
            if role == "canary":
                note_trial(self.trials, version, Trial(asked=number))
        for missing in [record.missing for record in predictions if record.missing]:
            for view, reason in missing.items():
                self._count("missing", view, reason)
        for refusal in [record for record in records if type(record) is RefusalRecord]:
            self._count("refused", refusal.view, refusal.reason)
        if shed:
            self._count("shadows", "", "shed", shed)

    def note_failures(self, failures: Sequence[Failure]) -> None:
        """Count the requests that versions on trial did not answer: the champion did."""
        for failure in failures:
            self._count("unanswered", str(failure.version), failure.reason)
            if failure.role == "canary":
                is_error = failure.reason == FAILED
                note_trial(
                    self.trials, failure.version, Trial(asked=1, failed=int(is_error), unanswered=int(not is_error))
                )

    def note_unseen(
        self,
        records: Sequence[PredictionRecord | RefusalRecord],
        known_texts: Mapping[int, Mapping[str, frozenset[Any]]],
    ) -> None:
        """Count, by input, the texts of answered requests that the version that answered was not trained with."""
        for version, known_by_name in known_texts.items():
            requests = [
                record.request for record in records if type(record) is PredictionRecord and record.version == version
            ]
            for name, known in known_by_name.items():
                values = [request.get(name) for request in requests]
                if not known.issuperset(values):
                    self._count("unseen", name, "", sum(value not in known for value in values))

    def _count(self, family: str, first: str, second: str, number: int = 1) -> None:
        key = (family, first, second)
        self.counted[key] = self.counted.get(key, 0) + number

    def note_shadows(self, version: int, requests: int, *, failed: bool) -> None:
        """Count the requests that a version in shadow scored, or failed to score."""
        self._count("shadows", str(version), "failed" if failed else "scored", requests)

    def note_request(self, route: str, status: int, *, seconds: float, reason: str | None) -> None:
        """Count an HTTP request and its duration; `reason`: the error code, where it was rejected."""
        self._count("requests", route, str(status))
        if reason is not None:
            self._count("rejected", route, reason)
        buckets = self.buckets.get(route)
        if buckets is None:
            buckets = self.buckets[route] = [0] * (len(BUCKETS_SECONDS) + 1)
            self.seconds[route] = 0.0
        buckets[bisect_left(BUCKETS_SECONDS, seconds)] += 1
        self.seconds[route] += seconds


def counts_path(folder: Path, worker: int) -> Path:
    """The file of a worker's counts."""
    return folder / f"counts-{worker}.msgpack"


def keep_counts(path: Path, counts: WorkerCounts) -> None:
    """Write the counts for the other workers. What the disk refuses is ignored: it must not stop the server.

    The space for two copies is taken once, and the older one is overwritten: a full disk does not keep the others from
    seeing what is counted, and a worker that is killed while it writes leaves the copy before.
    """
    with suppress(OSError):
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if os.fstat(file).st_size < 2 * SLOT_BYTES:
                _reserve(file)
            sequence = 1 + max((number for number, _ in _read_slots(file)), default=0)
            payload = msgspec.msgpack.encode(counts)
            if _HEADER.size + len(payload) > SLOT_BYTES:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
            head = _HEADER.pack(sequence, len(payload), zlib.crc32(payload, sequence & 0xFFFFFFFF))
            os.pwrite(file, head + payload, (sequence % 2) * SLOT_BYTES)
        finally:
            os.close(file)


def read_counts(path: Path) -> WorkerCounts:
    """The counts in a file; all zero where there is no such file yet."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return WorkerCounts()
    try:
        slots = _read_slots(file)
    finally:
        os.close(file)
    return msgspec.msgpack.decode(max(slots)[1], type=WorkerCounts) if slots else WorkerCounts()


def read_trial(folder: Path, version: int) -> Trial:
    """What all workers of the server have seen of a version on trial; nothing where none has, or its file cannot be
    read."""
    total = Trial()
    for path in sorted(folder.glob(counts_path(folder, 0).name.replace("0", "*"))):
        with suppress(OSError, msgspec.MsgspecError):
            for half in read_counts(path).trials.get(version, []):
                total.add(half)
    return total


def _read_slots(file: int) -> list[tuple[int, bytes]]:
    """The copies that are whole, each with its number: the higher, the newer."""
    slots = []
    for start in (0, SLOT_BYTES):
        data = os.pread(file, SLOT_BYTES, start)
        if len(data) >= _HEADER.size:
            sequence, length, checksum = _HEADER.unpack_from(data)
            payload = data[_HEADER.size : _HEADER.size + length]
            if sequence and len(payload) == length and zlib.crc32(payload, sequence & 0xFFFFFFFF) == checksum:
                slots.append((sequence, payload))
    return slots


def _reserve(file: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, 2 * SLOT_BYTES)
    else:
        os.ftruncate(file, 2 * SLOT_BYTES)
