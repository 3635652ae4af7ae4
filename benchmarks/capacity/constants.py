"""What the model of the system is made of: the constants, where they come from, and where they are kept."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from mlops_lab.training.memory_need import estimate_training_bytes

PATH = Path(__file__).parents[1] / "out" / "capacity.json"

MEANINGS = {
    "batch_us": "CPU of a batch of requests that are answered together, µs",
    "request_us": "CPU of each request in it, µs",
    "follow_us": "CPU of each request for each further worker, which reads the others' records, µs",
    "sync_us": "waiting for the disk, a batch, µs",
    "journal_bytes": "journal, an answer",
    "lake_bytes": "tables of predictions and digests, an answer",
    "outcome_bytes": "tables of outcomes and digests, an outcome",
    "waiting_bytes": "a server's memory, an answer that waits for its outcome",
    "entity_bytes": "a server's memory, an entity of a view",
    "outcome_us": "the server's CPU, an outcome",
    "intake_us": "the loop's CPU, an answer moved into the tables",
    "outcome_intake_us": "the loop's CPU, an outcome moved into the tables",
    "measure_us": "the loop's CPU, an answer of a day that is measured",
    "measure_bytes": "the loop's memory, an answer of a day that is measured",
    "training_us": "CPU of a training, a row",
}


@dataclass(frozen=True, kw_only=True)
class Constants:
    """What each thing costs; see `MEANINGS`."""

    batch_us: float
    request_us: float
    follow_us: float
    sync_us: float
    journal_bytes: float
    lake_bytes: float
    outcome_bytes: float
    waiting_bytes: float
    entity_bytes: float
    outcome_us: float
    intake_us: float
    outcome_intake_us: float
    measure_us: float
    measure_bytes: float
    training_us: float

    def training_bytes(self, rows: float, inputs: int) -> float:
        """The most memory of a training: the estimate that `mlops doctor` uses."""
        return float(estimate_training_bytes(int(rows), inputs))


assert MEANINGS.keys() == {field.name for field in fields(Constants)}


def read_constants(path: Path = PATH) -> Constants:
    """Those of the last measurement; exits with a hint where there was none."""
    try:
        return Constants(**json.loads(path.read_text())["constants"])
    except (OSError, KeyError, TypeError, json.JSONDecodeError):
        raise SystemExit("error: nothing was measured here yet\nhint: make bench-scale") from None


def as_dict(constants: Constants) -> dict[str, float]:
    return asdict(constants)
