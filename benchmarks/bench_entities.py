"""A server that looks up facts of many entities: its start, its memory and its answers, with many against few.

    python benchmarks/bench_entities.py [ENTITIES ...]

Each entity has one fact, which a view looks up by a text key. Each size is a project of its own, loaded from a file and
trained by `mlops run`. First answers: the facts of an entity are read when it is asked for first. Exits with 1 where a
promise is broken.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np
import polars as pl

from promises import Promises
from report import write_report

SIZES = (100_000, 1_000_000, 10_000_000)
ROUNDS = 3
ASKED = 2000
TRAINED_ROWS = 20_000
MOST_TIMES_AS_SLOW = 1.5
MOST_BYTES_AN_ENTITY = 200
CHUNK_ROWS = 1_000_000
MLOPS = [sys.executable, "-c", "from mlops_lab.cli import main; main()"]
NOW = datetime(2026, 6, 1, tzinfo=UTC)
CONFIG = """
[project]
name = "entities"
clock = "data"

[source]
table = "orders"
data = "orders.parquet"
id = "order_id"
time = "ordered_at"
known_at = "known_at"
label = "late"

[source.request]
ordered_at = "datetime"
customer = "string"
amount = "float"

[source.outcome]
late = "boolean"

[tables.customers]
data = "customers"
key = ["customer"]
known_at = "known_at"

[tables.customers.fields]
customer = "string"
known_at = "datetime"
level = "float?"
city = "string?"
"""
PIPELINE = """
from mlops_lab.features import Features, View, last

features = Features(
    views=[View("customer", "customers", by="customer", values={"level": last("level"), "city": last("city")})],
    inputs=["amount", "level", "city"],
)


def model():
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=20, num_leaves=8, n_jobs=1, verbose=-1)
"""


class Measured(NamedTuple):
    """Seconds from the start of the server's process to ready; its memory then; milliseconds of an answer to one
    request about an entity that nobody has asked for yet, and about one that was."""

    start_seconds: float
    memory_mib: float
    first_ms: float
    again_ms: float


def make_project(folder: Path, entities: int) -> None:
    (folder / "mlops.toml").write_text(CONFIG)
    (folder / "pipeline.py").write_text(PIPELINE)
    rng = np.random.default_rng(1)
    late = rng.random(TRAINED_ROWS) < 0.3
    ordered_at = pl.Series(np.sort(rng.integers(0, 30 * 86_400, TRAINED_ROWS))).cast(pl.Int64) * 1_000_000
    ordered_at = ordered_at.cast(pl.Duration("us")) + (NOW - timedelta(days=30))
    orders = pl.DataFrame(
        {
            "order_id": [f"o{number}" for number in range(TRAINED_ROWS)],
            "ordered_at": ordered_at,
            "known_at": ordered_at + timedelta(hours=2),
            "customer": names_of(rng.integers(0, entities, TRAINED_ROWS)),
            "amount": rng.gamma(2, 20, TRAINED_ROWS) + 20 * late,
            "late": late,
        }
    )
    orders.write_parquet(folder / "orders.parquet")
    (folder / "customers").mkdir()
    for begin in range(0, entities, CHUNK_ROWS):
        numbers = np.arange(begin, min(begin + CHUNK_ROWS, entities))
        customers = pl.DataFrame(
            {
                "customer": names_of(numbers),
                "known_at": pl.Series(numbers % 86_400_000).cast(pl.Duration("ms")) + (NOW - timedelta(days=60)),
                "level": rng.random(len(numbers)),
                "city": pl.Series(numbers % 1000).cast(pl.String),
            }
        )
        customers.write_parquet(folder / "customers" / f"{begin // CHUNK_ROWS:05}.parquet")


def names_of(numbers: Sequence[int] | np.ndarray) -> list[str]:
    """Keys as shops have them: not in the order of their numbers."""
    return [f"C-{number * 7_368_787 % 2**31:010}" for number in numbers]


def measure(folder: Path, asked: list[str]) -> Measured:
    began = perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "mlops_lab.serving", str(folder), "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        ready = json.loads(server.stdout.readline())
        start_seconds = perf_counter() - began
        memory_mib = resident_mib(server.pid)
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(ready["ready"]).port)
        first = [ask(connection, customer, f"{began}-{place}") for place, customer in enumerate(asked)]
        again = [ask(connection, customer, f"{began}-{place}-again") for place, customer in enumerate(asked)]
    finally:
        server.terminate()
        server.wait()
    return Measured(start_seconds, memory_mib, median(first), median(again))


def ask(connection: http.client.HTTPConnection, customer: str, id: str) -> float:
    """The milliseconds of one answer."""
    request = {"id": id, "ordered_at": NOW.isoformat(), "customer": customer, "amount": 30.0}
    began = perf_counter()
    connection.request("POST", "/v1/predict", json.dumps(request))
    response = connection.getresponse()
    text = response.read()
    took = perf_counter() - began
    assert response.status == 200, text
    return took * 1000


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def main() -> int:
    sizes = [int(size) for size in sys.argv[1:]] or list(SIZES)
    with tempfile.TemporaryDirectory() as name:
        folders = {size: Path(name) / str(size) for size in sizes}
        rng = np.random.default_rng(2)
        for size, folder in folders.items():
            folder.mkdir()
            make_project(folder, size)
            began = perf_counter()
            subprocess.run([*MLOPS, "run"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            print(f"{size:>12,} entities  loaded and trained in {perf_counter() - began:.1f} s", flush=True)
        rounds: dict[int, list[Measured]] = {size: [] for size in sizes}
        for _ in range(ROUNDS):
            for size, folder in folders.items():
                rounds[size].append(measure(folder, names_of(rng.integers(0, size, ASKED))))
    medians = {size: Measured(*map(median, zip(*found, strict=True))) for size, found in rounds.items()}
    for size, found in medians.items():
        print(
            f"{size:>12,} entities  ready after {found.start_seconds:6.2f} s  {found.memory_mib:8,.0f} MiB  "
            f"first answer {found.first_ms:.2f} ms  next {found.again_ms:.2f} ms"
        )
    few, many = medians[sizes[0]], medians[sizes[-1]]
    entity_bytes = (many.memory_mib - few.memory_mib) * 2**20 / max(1, sizes[-1] - sizes[0])
    print(f"memory: {entity_bytes:.0f} bytes an entity; answers {many.first_ms / few.first_ms:.2f} times as slow")
    write_report("entities", {"sizes": {size: found._asdict() for size, found in medians.items()}})
    promises = Promises()
    promises.expect(entity_bytes <= MOST_BYTES_AN_ENTITY, f"{entity_bytes:.0f} bytes an entity")
    promises.expect(many.first_ms <= MOST_TIMES_AS_SLOW * few.first_ms, "first answers are too slow with many entities")
    for broken in promises.broken:
        print(f"error: {broken}", file=sys.stderr)
    return 1 if promises.broken else 0


if __name__ == "__main__":
    sys.exit(main())
